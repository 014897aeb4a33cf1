"""What the words of a reply lean to, whether or not a rule knows the phrase.

Two linear classifiers over the features of a text, both learnt from `sayings/` by
`tools/learn.py`: a multinomial logistic regression over the intents, and a binary one that
tells whether nothing more may be sent. What they learnt ships as `weights/*.tsv`: a feature a
line, in the order of the alphabet, with its weights as whole numbers. It is evidence beside
the rules. Whoever wants it to know more adds a saying and trains.
"""

import functools
import importlib.resources
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from followup_replies.core.errors import RuleError
from followup_replies.core.features import TOGETHER, features
from followup_replies.core.folding import Sentence
from followup_replies.core.intents import INTENTS, Intent
from followup_replies.core.matching import telling
from followup_replies.core.rulefiles import rulebook

BIAS: Final = "^bias"
"""The line of a weights file that counts for every text, whole."""
UNIT: Final = 0.05
"""What a weight of one is worth."""


@dataclass(frozen=True, slots=True)
class Leaning:
    """How likely each intent is by the words alone (they add up to one).

    `stops`: how likely it is that nothing more may be sent.
    """

    intents: Mapping[Intent, float]
    stops: float


NOTHING: Final = Leaning(intents={}, stops=0.0)


@dataclass(frozen=True, slots=True)
class Weights:
    """The learnt weights of each feature: one for an end, and one an intent."""

    stops: Mapping[str, int]
    intents: Mapping[str, tuple[int, ...]]

    def lean(self, read: Sequence[Sentence]) -> Leaning:
        """Say what the words of `read` lean to; nothing when there are none."""
        found = features(telling(read, book=rulebook()))
        if not found:
            return NOTHING
        told = sum(self.stops.get(name, 0) for name in found)
        stops = UNIT * (self.stops[BIAS] + share(found) * told)
        return Leaning(
            intents=self._intents([name for name in found if TOGETHER not in name]),
            stops=1 / (1 + math.exp(-stops)),
        )

    def _intents(self, found: Sequence[str]) -> dict[Intent, float]:
        each = share(found)
        known = [weights for name in found if (weights := self.intents.get(name)) is not None]
        scores = [
            UNIT * (bias + each * sum(column))
            for bias, column in zip(
                self.intents[BIAS], zip(*known, strict=True) if known else _NONE, strict=True
            )
        ]
        highest = max(scores)
        powers = [math.exp(score - highest) for score in scores]
        return {intent: power / sum(powers) for intent, power in zip(INTENTS, powers, strict=True)}


_FEW: Final = 4
_NONE: Final = ((),) * len(INTENTS)


def share(found: Collection[str]) -> float:
    """Give what each feature of a text counts: by the root of their number texts weigh alike.

    A text of a word or two says little, however strong the word.
    """
    return 1 / math.sqrt(len(found) + _FEW)


@functools.cache
def learnt() -> Weights:
    """Give the weights shipped with this package. Raises RuleError when a file holds none."""
    folder = importlib.resources.files("followup_replies.core") / "weights"
    stops = table("stops.tsv", (folder / "stops.tsv").read_text(encoding="utf-8"))
    intents = table("intents.tsv", (folder / "intents.tsv").read_text(encoding="utf-8"))
    return Weights(
        stops={name: int(weight) for name, weight in stops.items()},
        intents={name: parsed(weights) for name, weights in intents.items()},
    )


def table(name: str, text: str) -> dict[str, str]:
    """Read a weights file: what stands behind each feature. Raises RuleError without a bias."""
    lines = (line.partition("\t") for line in text.splitlines() if not line.startswith("# "))
    table = {feature: weights for feature, _, weights in lines}
    if BIAS not in table:
        raise RuleError(f"weights/{name}: no {BIAS}")
    return table


def written(weights: Sequence[int]) -> str:
    """Write the weights of a feature, one an intent: nothing stands for nought."""
    return ",".join(str(weight) if weight else "" for weight in weights)


def parsed(text: str) -> tuple[int, ...]:
    """Read what `written` wrote."""
    return tuple(int(weight or 0) for weight in text.split(","))
