"""Reads what a reply means. The order: who sent it, keywords, then what the words say.

An opt-out is read apart from the intent: a complaint may carry one, and so may whoever has
the wrong number. In doubt it counts (47 CFR 64.1200(a)(10): any reasonable means).
"""

from collections.abc import Mapping, Sequence
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
from followup_replies.core.keywords import keyword_in, keyword_of, stop_cried
from followup_replies.core.languages import language_of
from followup_replies.core.leanings import Leaning, learnt
from followup_replies.core.matching import Hit, each_once, hits, well_spelt
from followup_replies.core.quoting import Parts, take_apart
from followup_replies.core.rulebook import Keyword, Rulebook
from followup_replies.core.rulefiles import rulebook
from followup_replies.core.weighing import likeliest

_CERTAIN: Final = 0.99
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
    footer_alone = _footer_alone(text, parts, book=book)
    if footer_alone:
        own, book = parts.footer, book.without_footers()
    told = sentences(fold(f"{(text.subject or '')[:_SUBJECT_LIMIT]}\n{own}"))
    topic = _own_subject(text, book=book)
    header = automatic_header(text.headers)
    if _is_blank(own) and topic:
        own, topic = topic, ""
    cut = well_spelt(sentences(fold(own)), book=book)
    subject = well_spelt(sentences(fold(topic)), book=book)
    keyword = keyword_in(cut, book=book, whole=True) or (
        keyword_in(subject, book=book, whole=True) if topic else None
    )
    # Nothing that looks like a quote or a signature may hide a message that says no more.
    stop: Keyword | None = "stop" if keyword_of(text.body, book=book) == "stop" else None
    read = (*subject, *cut)
    found = hits(read, book=book)
    cried = stop_cried(own, cut, book=book)
    if footer_alone:
        asked = any(hit.rule.intent == "opt_out" for hit in found)
    elif _footer_sent_back(cut, book=book):
        asked = True
    else:
        asked = _is_blank(own) and not topic and _asked_out_of_sight(parts, book=book)
    return _Evidence(
        header=header,
        automatic=header is not None or says_automatic(told, book=book),
        absent=says_absence(told, book=book),
        keyword=stop or keyword,
        hits=each_once(found),
        asked_apart=cried or asked or asked_apart(read, found, book=book),
        read=read,
        leaning=learnt().lean(read),
        own=own,
        language=language_of(cut, book=book, hint=text.language),
    )


_GREETING: Final = 4
"""Words beside a footer that are a greeting or a name and say nothing."""


def _footer_alone(text: InboundText, parts: Parts, *, book: Rulebook) -> bool:
    """Tell whether a footer above any quote is all that was said, but for a greeting or a name."""
    subject = fold(text.subject or "").strip()
    theirs = bool(subject) and not subject.startswith(_REPLY_PREFIXES)
    if not parts.footer or parts.signature or theirs:
        return False
    first = parts.footer.partition("\n")[0]
    quote = text.body.find(parts.quoted.partition("\n")[0]) if parts.quoted else len(text.body)
    beside = well_spelt(sentences(fold(parts.own)), book=book)
    # By text nothing is quoted: whoever says no and has our footer below has written both.
    idle = {"other", "not_interested"} if text.channel == "sms" else {"other"}
    return text.body.find(first) < quote and _says(beside, book=book) <= idle


def _footer_sent_back(read: Sequence[Sentence], *, book: Rulebook) -> bool:
    """Tell whether only a no stands beside our footer: "No thanks. Reply STOP to opt out"."""
    beside = [each for each in read if not any(book.footers.find(each))]
    return len(beside) < len(read) and _says(beside, book=book) == {"not_interested"}


def _says(beside: Sequence[Sentence], *, book: Rulebook) -> set[str]:
    """Give the intents of what is said; more words than a greeting has are "much" as well."""
    said: set[str] = {hit.rule.intent for hit in hits(tuple(beside), book=book)}
    return said | {"much"} if sum(len(each.words) for each in beside) > _GREETING else said


def _own_subject(text: InboundText, *, book: Rulebook) -> str:
    """Give the subject if its sender wrote it: behind "Re:" stands ours, unless it is a stop."""
    subject = (text.subject or "").strip()[:_SUBJECT_LIMIT]
    if not fold(subject).startswith(_REPLY_PREFIXES):
        return subject
    behind = subject.partition(":")[2]
    return behind if keyword_of(behind, book=book) == "stop" else ""


def _asked_out_of_sight(parts: Parts, *, book: Rulebook) -> bool:
    """Tell whether one asks for an end in what was taken for a signature or an unmarked quote.

    Looked at only where nothing stands elsewhere: "--" above, or somebody's "wrote:".
    """
    lines = [*parts.signature.split("\n"), *parts.quoted.split("\n")]
    unmarked = "\n".join(line for line in lines if not line.lstrip().startswith((">", "|")))
    read = well_spelt(sentences(fold(unmarked)), book=book)
    return asked_apart(read, hits(read, book=book), book=book)


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
    return evidence.asked_apart or ends(evidence.hits, evidence.leaning, intent=intent)


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
