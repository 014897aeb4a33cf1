"""R9: never "just checking in", nor its relatives. R10: no hurry without a date that is true."""

import re
from collections.abc import Iterator

from followup_policy.hurrying import beside, hurrying, sentences
from followup_policy.phrases import phrases
from followup_scheduler.lint.findings import Flaw
from followup_scheduler.lint.readings import Reading, names_any, plain
from followup_scheduler.lint.rule import Rule
from followup_scheduler.lint.script import Script, Speech

_MONTH = (
    "(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?"
    "|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)"
)
_DAY = r"[0-3]?[0-9](?:st|nd|rd|th)?"
_WRITTEN_DATE = re.compile(
    rf"\b(?:{_MONTH}\.?\s{_DAY}|{_DAY}\s(?:of\s)?{_MONTH}"
    r"|[0-9]{4}-[01][0-9]-[0-3][0-9]|[0-3]?[0-9]([/.])[0-3]?[0-9]\1(?:20)?[0-9]{2})\b"
)


def _idle(script: Script) -> Iterator[Flaw]:
    for speech in script.speeches():
        for phrase in sorted(_phrases(speech, "idle")):
            yield Flaw(
                speech.path,
                f"“{phrase}” gives no reason to write",
                "say what is new for them: a price, a date, an example, an answer",
                near=phrase,
            )


def _hurried(script: Script) -> Iterator[Flaw]:
    for speech in script.speeches():
        told: set[str] = set()
        for reading in speech.readings.both():
            for phrase, dated in _hurries(_seen(speech, reading)):
                if not dated and phrase not in told:
                    told.add(phrase)
                    yield Flaw(
                        speech.path,
                        f"“{phrase}” hurries without a date that is true",
                        "name the date, from data and without a default:"
                        ' {{ lead.attributes.offer_ends | date: "%B %-d" }}',
                        near=phrase,
                    )


def _written_dates(script: Script) -> Iterator[Flaw]:
    for speech in script.speeches():
        told: set[str] = set()
        for reading in speech.readings.both():
            for found in _WRITTEN_DATE.finditer(_seen(speech, reading).own):
                if (date := found[0]) not in told:
                    told.add(date)
                    yield Flaw(
                        speech.path,
                        f"“{date}” is written into the text, and will have passed one day",
                        "take the date from data:"
                        ' {{ lead.attributes.offer_ends | date: "%B %-d" }}',
                        near=date,
                    )


def _hurries(reading: Reading) -> Iterator[tuple[str, bool]]:
    """Each hurrying phrase, and whether a date from data stands in its sentence or next to it."""
    said = sentences(reading.marked)
    for number, phrase in hurrying([plain(sentence) for sentence in said]):
        yield phrase, names_any(beside(said, number), "moment")


def _phrases(speech: Speech, table: str) -> set[str]:
    return {
        phrase
        for reading in speech.readings.both()
        for sentence in sentences(_seen(speech, reading).words)
        for phrase in phrases(table).found_in(sentence)
    }


def _seen(speech: Speech, reading: Reading) -> Reading:
    return reading.seen if speech.part == "html" else reading


RULES = (
    Rule(
        id="R9-idle-phrase",
        severity="error",
        asks="No “just checking in”, “touching base”, “any update?” and their relatives.",
        because="They ask for attention and bring nothing; every message has a reason.",
        check=_idle,
    ),
    Rule(
        id="R10-hurry-without-date",
        severity="error",
        asks="Urgency stands beside a date that comes from data.",
        because=(
            "A deadline is true, or it is pressure; misleading urgency is an unfair practice"
            " (Directive 2005/29/EC, annex I no. 7; 15 U.S.C. 45). Without a default the"
            " message stops for whom there is no such date."
        ),
        check=_hurried,
    ),
    Rule(
        id="R10-written-date",
        severity="warning",
        asks="Dates come from data, and are not written into a text.",
        because=(
            "A sequence runs for years: a date in its words is past for whoever enters later, and"
            " nothing can hold it against the clock when it is sent."
        ),
        check=_written_dates,
    ),
)
