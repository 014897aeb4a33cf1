"""From the rules that fired to the likeliest intent and how sure it is."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from followup_replies.core.folding import Sentence
from followup_replies.core.intents import Intent
from followup_replies.core.leanings import NOTHING, Leaning
from followup_replies.core.matching import Hit

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
_BEFORE_QUESTION: Final[tuple[Intent, ...]] = (
    "wrong_person",
    "complaint",
    "already_bought",
    "referral",
    "not_now",
)
_LEANING: Final = 0.45
_YIELDING: Final = 0.5
_CLEAR: Final = 0.7
"""Score from which an intent is more than a tone of voice."""
_CONCEDED: Final = 0.55
"""What is left of the weight of words before a "but" that is followed by something else."""
_BARE_QUESTION: Final = 0.62
_RULES: Final = 2.0
"""How much a rule that is sure multiplies a likelihood by, as a logarithm."""
_UNHEARD: Final = 0.01
"""Likelihood left to an intent that the words rule out."""
_SURETY: Final = 0.35
"""Power that turns a share into a confidence: 0.23 of all twelve is 0.6."""
_REPEATED: Final = 0.4
"""Share of a rule that says again what the same words said already."""
_TURNS: Final[Mapping[str, frozenset[str]]] = {
    # Apart by language: "mas" is "but" in Portuguese and "more" in Spanish.
    "en": frozenset({"but", "however"}),
    "es": frozenset({"pero"}),
    "fr": frozenset({"mais"}),
    "de": frozenset({"aber", "jedoch"}),
    "pt": frozenset({"mas", "porem"}),
}
_LEAST_ASKED: Final = 2


def likeliest(
    fired: Sequence[Hit], read: Sequence[Sentence], leaning: Leaning = NOTHING
) -> tuple[Intent, float]:
    """Give the intent and its confidence (0 to 1) for the rules that fired on `read`.

    What rules say multiplies what the words lean to.
    """
    scores = _scores(fired, read)
    if not scores and not leaning.intents:
        return "other", 0.0
    powers = {
        intent: (leaning.intents.get(intent, 0.0) + _UNHEARD)
        * math.exp(_RULES * scores.get(intent, 0.0))
        for intent in _RANKS
    }
    first = max(_RANKS, key=lambda intent: (powers[intent], -_RANKS.index(intent)))
    return first, math.pow(powers[first] / sum(powers.values()), _SURETY)


def _scores(fired: Sequence[Hit], read: Sequence[Sentence]) -> dict[Intent, float]:
    """Give the score of each intent: that of the language that says it best."""
    scores: dict[Intent, float] = {}
    for intent, language in {(hit.rule.intent, hit.rule.language): None for hit in fired}:
        same = [hit for hit in fired if (hit.rule.intent, hit.rule.language) == (intent, language)]
        scores[intent] = max(scores.get(intent, 0.0), _evidence(same, fired, read))
    if "question" not in scores and _only_asks(read):
        scores["question"] = _BARE_QUESTION
    return _yielding(scores, fired, read)


def _evidence(same: Iterable[Hit], fired: Sequence[Hit], read: Sequence[Sentence]) -> float:
    """Let each rule take its share of the doubt that is left; words said once count once."""
    doubt = 1.0
    taken: set[tuple[int, int]] = set()
    for hit in sorted(same, key=lambda hit: -hit.rule.weight):
        words = {(hit.sentence, place) for place in range(hit.span.start, hit.span.end)}
        share = hit.rule.weight * (_REPEATED if words & taken else 1.0)
        doubt *= 1 - share * (_CONCEDED if _conceded(hit, fired, read) else 1.0)
        taken |= words
    return 1 - doubt


def _conceded(hit: Hit, fired: Sequence[Hit], read: Sequence[Sentence]) -> bool:
    """Tell whether a "but" follows, and behind it what somebody really means."""
    words = read[hit.sentence].words
    turns = _TURNS.get(hit.rule.language, frozenset())
    turn = next((at for at in range(hit.span.end, len(words)) if words[at] in turns), None)
    return turn is not None and any(
        other.sentence == hit.sentence
        and other.span.start > turn
        and other.rule.intent not in {hit.rule.intent, "question", "other"}
        and other.rule.weight >= _YIELDING
        for other in fired
    )


def _only_asks(read: Sequence[Sentence]) -> bool:
    return any(sentence.asks and len(sentence.words) >= _LEAST_ASKED for sentence in read)


def _asks_much(read: Sequence[Sentence]) -> bool:
    return sum(sentence.asks for sentence in read) > 1


def _yielding(
    scores: dict[Intent, float], fired: Sequence[Hit], read: Sequence[Sentence]
) -> dict[Intent, float]:
    """Let a question yield to what it is about: "can you text me again in March?".

    Who asks more than once wants answers, though he may not be ready yet.
    """
    before = _BEFORE_QUESTION[: -1 if _asks_much(read) else None]
    clear = any(scores.get(intent, 0.0) >= _CLEAR for intent in before)
    if "question" in scores and (clear or _agrees_first(fired)):
        scores["question"] = min(scores["question"], _YIELDING)
    return scores


def _agrees_first(fired: Sequence[Hit]) -> bool:
    """Tell a yes with a question behind it from a question: "Friday is good, what street?"."""
    first: dict[Intent, tuple[int, int]] = {}
    for hit in fired:
        if hit.rule.weight >= _LEANING:
            place = (hit.sentence, hit.span.start)
            first[hit.rule.intent] = min(place, first.get(hit.rule.intent, place))
    return "interested" in first and first["interested"] < first.get("question", (0, 0))
