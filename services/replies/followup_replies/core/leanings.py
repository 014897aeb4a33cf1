"""What the words of a reply lean to, where no rule knows the phrase.

Counted from `sayings/*.yaml`: replies as people write them, by language and meaning. A
multinomial naive Bayes over words, pairs of words (next to each other and over one between),
beginnings of words and runs of letters, all intents equally likely beforehand. It is evidence
beside the rules, and never takes back what a rule or a keyword said about an opt-out. Whoever
wants it to know more adds a saying.
"""

import functools
import importlib.resources
import itertools
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import yaml

from followup_replies.core.errors import RuleError
from followup_replies.core.folding import Sentence, fold, sentences
from followup_replies.core.intents import INTENTS, Intent
from followup_replies.core.matching import MASK, masked, well_spelt
from followup_replies.core.rulefiles import rulebook

_SMOOTHING: Final = 0.1
"""How often a word counts as seen in a class that never used it, as a share of how often a
word is seen there on average: classes with many sayings are not likelier for it."""
_STEM: Final = 5
_DEPENDENCE: Final = 0.7
"""How much features of one text repeat each other, 0 not at all, 1 altogether: found by
leaving a fifth of the sayings out and asking how often a share of a half is right."""
_RUN: Final = 4
"""Letters that words have in common though they are written differently."""
_STOPS: Final = " stops"
"""Behind an intent: sayings that also end the messages without asking for it."""
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Leaning:
    """How likely each intent is by the words alone (they add up to the share of known words).

    `stops`: how likely it is that nothing more may be sent (0 to that share).
    """

    intents: Mapping[Intent, float]
    stops: float


NOTHING: Final = Leaning(intents={}, stops=0.0)


class _Classes:
    """Counts of features by class; the share of a class in what a text says."""

    def __init__(self, told: Sequence[tuple[str, Counter[str]]]) -> None:
        counts: dict[str, Counter[str]] = {}
        for name, features in told:
            counts.setdefault(name, Counter()).update(features)
        self._known = {feature for counted in counts.values() for feature in counted}
        self._weights = {name: self._logs(counted) for name, counted in counts.items()}

    def _logs(self, counted: Counter[str]) -> tuple[dict[str, float], float]:
        seen = sum(counted.values())
        unseen = _SMOOTHING * seen / len(self._known)
        whole = seen * (1 + _SMOOTHING)
        logs = {name: math.log((n + unseen) / whole) for name, n in counted.items()}
        return logs, math.log(unseen / whole)

    def knows(self, feature: str) -> bool:
        """Tell whether any saying has this feature."""
        return feature in self._known

    def shares(self, features: Sequence[str]) -> dict[str, float]:
        """Give the share of each class, nothing when no feature is known.

        Features of one text depend on each other; dividing by a power of their number keeps a
        long text from being sure of itself.
        """
        seen = [feature for feature in features if feature in self._known]
        if not seen:
            return {}
        heat = len(seen) ** _DEPENDENCE
        sums = {
            name: sum(logs.get(feature, unseen) for feature in seen) / heat
            for name, (logs, unseen) in self._weights.items()
        }
        highest = max(sums.values())
        powers = {name: math.exp(value - highest) for name, value in sums.items()}
        whole = sum(powers.values())
        return {name: power / whole for name, power in powers.items()}


class Sayings:
    """The counted sayings of every language."""

    def __init__(self, told: Sequence[tuple[Intent, bool, tuple[Sentence, ...]]]) -> None:
        counted = [(intent, stops, Counter(_features(read))) for intent, stops, read in told]
        self._intents = _Classes([(intent, features) for intent, _, features in counted])
        self._stops = _Classes([(_STOPS if stops else "", feats) for _, stops, feats in counted])

    def lean(self, read: Sequence[Sentence]) -> Leaning:
        """Say what the words of `read` lean to."""
        features = list(dict.fromkeys(_features(read)))
        shares = self._intents.shares(features)
        if not shares:
            return NOTHING
        known = self._known_share(read)
        return Leaning(
            intents={intent: known * shares.get(intent, 0.0) for intent in INTENTS},
            stops=known * self._stops.shares(features).get(_STOPS, 0.0),
        )

    def _known_share(self, read: Sequence[Sentence]) -> float:
        """Give the share of words whose beginning some saying has: the others say nothing."""
        words = [word for sentence in _telling(read) for word in sentence.words]
        known = sum(self._intents.knows(_beginning(word)) for word in words)
        return known / len(words) if words else 0.0


def _beginning(word: str) -> str:
    return f"{word[:_STEM]}*"


def _features(read: Sequence[Sentence]) -> Iterator[str]:
    for sentence in _telling(read):
        words = ("^", *sentence.words, "$")
        yield from sentence.words
        yield from (_beginning(word) for word in sentence.words)
        yield from (f"{before} {after}" for before, after in itertools.pairwise(words))
        yield from (f"{before} _ {after}" for before, after in zip(words, words[2:], strict=False))
        for word in sentence.words:
            yield from _runs(f"<{word}>")
        if sentence.asks:
            yield "?"


def _runs(word: str) -> Iterator[str]:
    return (f"#{word[start : start + _RUN]}" for start in range(len(word) - _RUN + 1))


@functools.cache
def sayings() -> Sayings:
    """Give the sayings shipped with this package. Raises RuleError when a file holds none."""
    folder = importlib.resources.files("followup_replies.core") / "sayings"
    texts = {
        entry.name: entry.read_text(encoding="utf-8")
        for entry in folder.iterdir()
        if entry.name.endswith(".yaml")
    }
    return Sayings([told for name in sorted(texts) for told in _told(name, texts[name])])


def _told(name: str, text: str) -> Iterator[tuple[Intent, bool, tuple[Sentence, ...]]]:
    file = yaml.load(text, Loader=_LOADER)  # noqa: S506 - both are safe loaders
    for key, entries in file.items():
        label = key.removesuffix(_STOPS)
        intent = next((known for known in INTENTS if known == label), None)
        if intent is None:
            raise RuleError(f"sayings/{name}: no intent {label!r}")
        for entry in entries:
            if not isinstance(entry, str):
                raise RuleError(f"sayings/{name}: {entry!r} must be quoted")
            yield intent, key != label or intent == "opt_out", _read(entry)


def _read(saying: str) -> tuple[Sentence, ...]:
    return well_spelt(sentences(fold(saying)), book=rulebook())


def _telling(read: Sequence[Sentence]) -> Iterator[Sentence]:
    """Leave idioms out: "don't stop" and "the end of the month" lean to no end.

    A sentence that is mostly idiom is left out as a whole: its courtesies say nothing.
    """
    book = rulebook()
    for sentence in read:
        words = tuple(word for word in masked(sentence, book=book).words if word != MASK)
        if len(words) * 2 > len(sentence.words):
            yield replace(sentence, words=words)
