"""Reads what a reply means. The order: who sent it, keywords, then what the words say.

An opt-out is read apart from the intent: a complaint may carry one, and so may whoever has
the wrong number. In doubt it counts (47 CFR 64.1200(a)(10): any reasonable means).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal

from followup_contracts.channels import Channel
from followup_replies.core.automatic import automatic_header, says_absence, says_automatic
from followup_replies.core.dates import named_date
from followup_replies.core.folding import fold, sentences
from followup_replies.core.intents import Intent
from followup_replies.core.keywords import keyword_in, keyword_of
from followup_replies.core.languages import language_of
from followup_replies.core.matching import Hit, hits, well_spelt
from followup_replies.core.quoting import take_apart
from followup_replies.core.rulebook import Keyword, Rulebook
from followup_replies.core.rulefiles import rulebook

_RANKS: Final[tuple[Intent, ...]] = (
    # Of two intents with equal scores the earlier wins: what binds us more.
    "wrong_person",
    "complaint",
    "opt_out",
    "already_bought",
    "referral",
    "not_now",
    "not_interested",
    "out_of_office",
    "auto_reply",
    "question",
    "interested",
    "other",
)
_CONTRADICTION: Final = 0.2
"""How much a second, equally strong intent takes from the first one's confidence."""
_BEFORE_QUESTION: Final[tuple[Intent, ...]] = (
    "wrong_person",
    "complaint",
    "already_bought",
    "referral",
    "not_now",
)
_LEANING: Final = 0.45
_YIELDING: Final = 0.5
_CERTAIN: Final = 0.99
_SUBJECT_LIMIT: Final = 400
_CLEAR: Final = 0.7
"""Score from which an intent is more than a tone of voice."""


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
    names of what fired, for the trace; they hold no words of the message.
    """

    intent: Intent
    opt_out: bool
    keyword: Keyword | None
    confidence: float
    until: date | None
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Evidence:
    """All that is known about a text before it is decided on."""

    header: str | None
    automatic: bool
    absent: bool
    keyword: Keyword | None
    hits: tuple[Hit, ...]
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
    return Reading(
        intent=reading.intent,
        opt_out=reading.opt_out,
        keyword=reading.keyword,
        confidence=reading.confidence,
        until=until,
        rules=reading.rules,
    )


def _gathered(text: InboundText, book: Rulebook) -> _Evidence:
    own = take_apart(text.body, book=book).own
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
    return _Evidence(
        header=header,
        automatic=header is not None or says_automatic(told, book=book),
        absent=says_absence(told, book=book),
        keyword=stop or keyword,
        hits=hits((*subject, *cut), book=book),
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
    return Reading(
        intent=_KEYWORD_INTENTS[keyword],
        opt_out=keyword == "stop" or _stops(evidence),
        keyword=keyword,
        confidence=_CERTAIN,
        until=None,
        rules=(source, *(hit.rule.name for hit in evidence.hits)),
    )


_VENDOR: Final[Mapping[str, Keyword]] = {"STOP": "stop", "START": "start", "HELP": "help"}
_KEYWORD_INTENTS: Final[Mapping[Keyword, Intent]] = {
    "stop": "opt_out",
    "start": "other",
    "help": "question",
}


def _stops(evidence: _Evidence) -> bool:
    return any(hit.rule.stops for hit in evidence.hits)


def _scored_reading(evidence: _Evidence, threshold: float) -> Reading:
    intent, confidence = _likeliest(evidence)
    return Reading(
        intent=intent if confidence >= threshold else "other",
        opt_out=_stops(evidence),
        keyword=None,
        confidence=round(confidence, 3),
        until=None,
        rules=_fired(evidence),
    )


def _scores(evidence: _Evidence) -> dict[Intent, float]:
    """Give the score of each intent: that of the language that says it best.

    Within a language each rule takes its share of the doubt that was left.
    """
    doubt: dict[tuple[Intent, str], float] = {}
    for hit in evidence.hits:
        key = (hit.rule.intent, hit.rule.language)
        doubt[key] = doubt.get(key, 1.0) * (1 - hit.rule.weight)
    scores: dict[Intent, float] = {}
    for (intent, _), left in doubt.items():
        scores[intent] = max(scores.get(intent, 0.0), 1 - left)
    if evidence.automatic:
        scores["out_of_office" if evidence.absent else "auto_reply"] = _CERTAIN
    return _weighed(scores, evidence)


def _weighed(scores: dict[Intent, float], evidence: _Evidence) -> dict[Intent, float]:
    """Let a question yield to what it is about: "can you text me again in March?"."""
    clear = any(scores.get(intent, 0.0) >= _CLEAR for intent in _BEFORE_QUESTION)
    if clear or _agrees_first(evidence):
        scores["question"] = min(scores.get("question", 0.0), _YIELDING)
    return scores


def _agrees_first(evidence: _Evidence) -> bool:
    """Tell a yes with a question behind it from a question: "Friday is good, what street?"."""
    first: dict[Intent, tuple[int, int]] = {}
    for hit in evidence.hits:
        if hit.rule.weight >= _LEANING:
            place = (hit.sentence, hit.span.start)
            first[hit.rule.intent] = min(place, first.get(hit.rule.intent, place))
    return "interested" in first and first["interested"] < first.get("question", (0, 0))


def _likeliest(evidence: _Evidence) -> tuple[Intent, float]:
    """Give the likeliest intent; whoever asks in words for an end wants that above all."""
    scores = _scores(evidence)
    if not evidence.automatic and any(hit.rule.intent == "opt_out" for hit in evidence.hits):
        return "opt_out", scores["opt_out"]
    if not scores:
        return "other", 0.0
    ranked = sorted(scores, key=lambda intent: (-scores[intent], _RANKS.index(intent)))
    second = scores[ranked[1]] if len(ranked) > 1 else 0.0
    return ranked[0], scores[ranked[0]] * (1 - _CONTRADICTION * second)


def _fired(evidence: _Evidence) -> tuple[str, ...]:
    header = (f"header.{evidence.header}",) if evidence.header else ()
    text = ("text.automatic",) if evidence.automatic and not evidence.header else ()
    return (*header, *text, *(hit.rule.name for hit in evidence.hits))
