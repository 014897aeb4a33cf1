"""Reads what a reply means. The order: who sent it, keywords, then what the words say.

An opt-out is read apart from the intent: a complaint may carry one, and so may whoever has
the wrong number. In doubt it counts (47 CFR 64.1200(a)(10): any reasonable means).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final, Literal

from followup_contracts.channels import Channel
from followup_replies.core.automatic import (
    AUTOMATIC,
    automatic_header,
    says_absence,
    says_automatic,
)
from followup_replies.core.dates import named_date
from followup_replies.core.ending import asked_apart, ends
from followup_replies.core.folding import Sentence, fold, sentences
from followup_replies.core.intents import Intent
from followup_replies.core.keywords import keyword_in, keyword_of, stop_cried_last
from followup_replies.core.languages import language_of
from followup_replies.core.leanings import Leaning, learnt
from followup_replies.core.matching import Hit, each_once, hits, well_spelt
from followup_replies.core.quoting import take_apart
from followup_replies.core.rulebook import Keyword, Rulebook
from followup_replies.core.rulefiles import rulebook
from followup_replies.core.weighing import likeliest

_CERTAIN: Final = 0.99
_WANTS_TO_HEAR: Final = frozenset({"interested", "question", "not_now"})
_BEARS_AN_END: Final = frozenset({"complaint", "wrong_person"})
"""Intents that stay what they are when they end the messages; any other becomes an opt-out."""
_SUBJECT_LIMIT: Final = 400


@dataclass(frozen=True, slots=True)
class InboundText:
    """What came in; `body` as received, `headers` of an e-mail by name in any case."""

    channel: Channel
    body: str
    subject: str | None = None
    headers: Mapping[str, str] | None = None
    language: str | None = None
    vendor_opt_out: Literal["STOP", "START", "HELP"] | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What it means.

    `opt_out`: no more messages on that channel at least. `confidence` (0 to 1) is that of the
    likeliest intent; below the threshold `intent` is "other". `until`: the day named by
    whoever is away or wants to hear later, never before the day of receipt. `rules`: the
    names of what fired, for the trace; they hold no words of the message. `stated`: an opt-out
    in so many words, by a keyword or a rule, and not by the words on the whole.
    """

    intent: Intent
    opt_out: bool
    keyword: Keyword | None
    confidence: float
    until: date | None
    rules: tuple[str, ...]
    stated: bool = False


@dataclass(frozen=True, slots=True)
class _Evidence:
    """All that is known about a text before it is decided on."""

    header: str | None
    automatic: bool
    absent: bool
    keyword: Keyword | None
    hits: tuple[Hit, ...]
    asked_apart: bool
    read: tuple[Sentence, ...]
    leaning: Leaning
    own: str
    language: str


def read(
    text: InboundText, *, received: datetime, zone: str = "UTC", threshold: float = 0.6
) -> Reading:
    """Say what `text` means; never raises for anything somebody may write.

    `received` is aware; `zone` (IANA) is where its day and "next week" are reckoned.
    """
    evidence = _gathered(text, rulebook())
    reading = _keyword_reading(text, evidence) or _scored_reading(evidence, threshold)
    if reading.intent not in {"not_now", "out_of_office"}:
        return reading
    until = named_date(evidence.own, received=received, zone=zone, language=evidence.language)
    return replace(reading, until=until)


def _gathered(text: InboundText, book: Rulebook) -> _Evidence:
    parts = take_apart(text.body, book=book)
    own = parts.own
    # Nobody sends us a footer and nothing else: "unsubscribe here" is meant.
    footer_alone = _is_blank(own) and bool(parts.footer) and not parts.quoted
    if footer_alone:
        own, book = parts.footer, book.without_footers()
    told = sentences(fold(f"{(text.subject or '')[:_SUBJECT_LIMIT]}\n{own}"))
    topic = _own_subject(text)
    header = automatic_header(text.headers)
    if _is_blank(own) and topic:
        own, topic = topic, ""
    cut = well_spelt(sentences(fold(own)), book=book)
    subject = well_spelt(sentences(fold(topic)), book=book)
    keyword = keyword_in(cut, book=book) or (keyword_in(subject, book=book) if topic else None)
    # Nothing that looks like a quote or a signature may hide a message that says no more.
    stop: Keyword | None = "stop" if keyword_of(text.body, book=book) == "stop" else None
    read = (*subject, *cut)
    found = hits(read, book=book)
    cried = bool(cut) and stop_cried_last(own, cut[-1], book=book)
    return _Evidence(
        header=header,
        automatic=header is not None or says_automatic(told, book=book),
        absent=says_absence(told, book=book),
        keyword=stop or keyword,
        hits=each_once(found),
        asked_apart=cried
        or asked_apart(read, found, book=book)
        or (footer_alone and any(hit.rule.intent == "opt_out" for hit in found)),
        read=read,
        leaning=learnt().lean(read),
        own=own,
        language=language_of(cut, book=book, hint=text.language),
    )


def _own_subject(text: InboundText) -> str:
    """Give the subject if its sender wrote it: behind "Re:" stands ours."""
    subject = (text.subject or "").strip()[:_SUBJECT_LIMIT]
    return "" if fold(subject).startswith(_REPLY_PREFIXES) else subject


_REPLY_PREFIXES: Final = (
    "re:", "re :", "fw:", "fwd:", "aw:", "wg:", "antw:", "rv:", "tr:", "tr :", "res:", "enc:",
    "sv:", "vs:", "re[",
)  # fmt: skip


def _is_blank(own: str) -> bool:
    return not any(sentence.words for sentence in sentences(fold(own)))


def _keyword_reading(text: InboundText, evidence: _Evidence) -> Reading | None:
    """Decide by keyword, the vendor's word first: it has already acted on it."""
    vendor: Keyword | None = _VENDOR[text.vendor_opt_out] if text.vendor_opt_out else None
    keyword = vendor or evidence.keyword
    if keyword is None or (evidence.header and vendor is None):
        return None
    source = f"vendor.{keyword}" if vendor else f"keyword.{keyword}"
    opt_out = keyword == "stop" or _stops(evidence, _KEYWORD_INTENTS[keyword])
    return Reading(
        intent=_KEYWORD_INTENTS[keyword],
        opt_out=opt_out,
        keyword=keyword,
        confidence=_CERTAIN,
        until=None,
        rules=(source, *(hit.rule.name for hit in evidence.hits)),
        stated=opt_out and (keyword == "stop" or _in_words(evidence)),
    )


_VENDOR: Final[Mapping[str, Keyword]] = {"STOP": "stop", "START": "start", "HELP": "help"}
_KEYWORD_INTENTS: Final[Mapping[Keyword, Intent]] = {
    "stop": "opt_out",
    "start": "other",
    "help": "question",
}


def _stops(evidence: _Evidence, intent: Intent) -> bool:
    """Tell whether anything said ends it.

    A machine accuses nobody, but people write through machines: desks whose every answer is
    marked automatic ask to be removed, too.
    """
    if _by_machine(evidence):
        return evidence.asked_apart and _asked(evidence)
    return evidence.asked_apart or ends(
        evidence.hits, evidence.leaning, wants=intent in _WANTS_TO_HEAR
    )


def _by_machine(evidence: _Evidence) -> bool:
    return evidence.automatic and (evidence.header is not None or not _asked(evidence))


def _asked(evidence: _Evidence) -> bool:
    return any(hit.rule.intent == "opt_out" for hit in evidence.hits)


def _in_words(evidence: _Evidence) -> bool:
    return evidence.asked_apart or any(
        hit.rule.stops or hit.rule.intent == "opt_out" for hit in evidence.hits
    )


def _scored_reading(evidence: _Evidence, threshold: float) -> Reading:
    intent, confidence = _told(evidence)
    stops = _stops(evidence, intent)
    if confidence < threshold:
        intent = "other"
    elif stops and intent not in _BEARS_AN_END | AUTOMATIC:
        intent = "opt_out"
    elif intent == "opt_out" and not stops:
        intent = "other"
    return Reading(
        intent=intent,
        opt_out=stops,
        keyword=None,
        confidence=round(confidence, 3),
        until=None,
        rules=_fired(evidence),
        stated=stops and _in_words(evidence),
    )


def _told(evidence: _Evidence) -> tuple[Intent, float]:
    """Give the likeliest intent; what a machine says is no person's wish.

    A text without telling headers that asks for an end was typed, whatever else it says:
    what machines say about opting out is masked.
    """
    if _by_machine(evidence):
        return "out_of_office" if evidence.absent else "auto_reply", _CERTAIN
    return likeliest(evidence.hits, evidence.read, evidence.leaning)


def _fired(evidence: _Evidence) -> tuple[str, ...]:
    header = (f"header.{evidence.header}",) if evidence.header else ()
    text = ("text.automatic",) if evidence.automatic and not evidence.header else ()
    return (*header, *text, *(hit.rule.name for hit in evidence.hits))
