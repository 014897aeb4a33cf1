"""R8: five sentences at most, and easy to answer; and what a text costs."""

import re
from collections.abc import Iterator

from followup_policy.segments import is_gsm, segments_of
from followup_scheduler.lint.findings import Flaw
from followup_scheduler.lint.prose import questions, sentences
from followup_scheduler.lint.rule import Rule
from followup_scheduler.lint.script import Script

MOST_SENTENCES = 5
MOST_SEGMENTS = 3
_ANSWER = re.compile(
    r"(?i)\b(reply|answer|respond|(text|write|call) (me|us|back)|let (me|us) know|tell (me|us)"
    r"|send (me|us)|antwort\w*|respond\w*|responde\w*|r[ée]pond\w*|schreib\w*)\b"
)
_PLAIN = {
    **dict.fromkeys("\u2018\u2019\u2032", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u00ab\u00bb", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2022", "-"),
    **dict.fromkeys("\u00a0\u202f\u2009", " "),
    "\u2026": "...",
}
"""Characters outside GSM-7 that say nothing its own would not say."""
_PICTURES = re.compile("[\u2190-\u2bff\ufe0f\u200d\U0001f000-\U0001faff]")


def _long(script: Script) -> Iterator[Flaw]:
    for message in script.messages:
        for speech in message.speeches():
            if speech.part == "voicemail":
                continue
            count = len(sentences(speech.seen.words))
            if count > MOST_SENTENCES:
                yield Flaw(
                    speech.path,
                    f"has {count} sentences, and {MOST_SENTENCES} are the most",
                    "leave out what the person can ask",
                )


def _hard_to_answer(script: Script) -> Iterator[Flaw]:
    for message in script.follow_ups():
        if message.channel == "voice":
            continue
        said = message.speeches()[0].seen.words
        if said and not questions(said) and not _ANSWER.search(" ".join(sentences(said))):
            yield Flaw(
                f"{message.path}/text",
                "leaves nothing to answer",
                "end with a question that takes a word: yes or no, this or that",
            )


def _segments(script: Script) -> Iterator[Flaw]:
    for message in script.messages:
        if message.channel != "sms":
            continue
        said = message.speeches()[0].readings.full.words
        count = segments_of(_in_gsm(said))
        if count > MOST_SEGMENTS:
            alphabet = "GSM-7" if is_gsm(said) else "UCS-2"
            yield Flaw(
                f"{message.path}/text",
                f"is {count} segments long ({len(said)} characters, {alphabet})",
                f"keep a text to {MOST_SEGMENTS}; what needs more room is an e-mail's (R16)",
            )


def _costly(script: Script) -> Iterator[Flaw]:
    for message in script.messages:
        if message.channel != "sms":
            continue
        said = message.speeches()[0].readings.full.words
        before, after = segments_of(said), segments_of(_in_gsm(said))
        if before > after:
            costly = next(letter for letter in said if letter in _PLAIN or _PICTURES.match(letter))
            yield Flaw(
                f"{message.path}/text",
                f"{costly!r} makes it {before} segments instead of {after}",
                f"write {_PLAIN[costly]!r}" if costly in _PLAIN else "leave it out",
                near=costly,
            )


def _in_gsm(text: str) -> str:
    """The text without what only decorates it, if that is all that keeps it out of GSM-7."""
    swapped = "".join(_PLAIN.get(letter, letter) for letter in _PICTURES.sub("", text))
    return swapped if is_gsm(swapped) else text


RULES = (
    Rule(
        id="R8-too-long",
        severity="error",
        asks="A message has five sentences at most, the way to opt out not counted.",
        because="What takes longer to read than to answer is put off.",
        check=_long,
    ),
    Rule(
        id="R8-no-easy-answer",
        severity="warning",
        asks="Texts and e-mails ask something that is answered in a word.",
        because="A question is what people answer; a statement is what they file.",
        check=_hard_to_answer,
    ),
    Rule(
        id="S1-segments",
        severity="warning",
        asks="A text is three segments at most.",
        because=(
            "Each is billed and throttled: 160 characters or 153 in a longer text, 70 or 67"
            " outside GSM-7 (3GPP TS 23.038, 23.040)."
        ),
        check=_segments,
    ),
    Rule(
        id="S2-costly-characters",
        severity="warning",
        asks="No decoration makes a text longer than it is.",
        because="One curly quote or emoji makes a whole text UCS-2: 70 characters a segment.",
        check=_costly,
    ),
)
