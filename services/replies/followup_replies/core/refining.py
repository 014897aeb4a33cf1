"""A second opinion on a reply that rules and sayings could not make out.

It may name the intent of a reply that is unclear, or find an opt-out that nobody saw. It
never takes an opt-out back, never answers a keyword, and never overrules a clear reading.
"""

from dataclasses import dataclass, replace
from typing import Final

from followup_replies.core.automatic import AUTOMATIC
from followup_replies.core.intents import Intent
from followup_replies.core.reading import Reading

CLEAR: Final = 0.75
"""Confidence from which a reading needs no second opinion."""
_TRUSTED: Final = 0.6


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a classifier takes a reply for; `confidence` by its own word (0 to 1)."""

    intent: Intent
    opt_out: bool
    confidence: float


def is_unclear(reading: Reading) -> bool:
    """Tell whether a second opinion could change anything."""
    settled = reading.opt_out or reading.keyword is not None or reading.intent in AUTOMATIC
    return not settled and (reading.confidence < CLEAR or reading.intent == "other")


def refined(reading: Reading, opinion: Opinion | None) -> Reading:
    """Give the reading with the opinion taken into account."""
    if opinion is None or not is_unclear(reading):
        return reading
    if opinion.opt_out or opinion.intent == "opt_out":
        # In doubt it stops, however sure the classifier is.
        intent = opinion.intent if opinion.confidence >= _TRUSTED else reading.intent
        return replace(
            reading, intent=intent, opt_out=True, rules=(*reading.rules, "classifier.stop")
        )
    if opinion.confidence < _TRUSTED or opinion.intent == reading.intent:
        return reading
    return replace(
        reading,
        intent=opinion.intent,
        confidence=opinion.confidence,
        rules=(*reading.rules, f"classifier.{opinion.intent}"),
    )
