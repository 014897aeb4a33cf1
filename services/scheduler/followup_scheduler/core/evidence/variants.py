"""Which of several texts a lead gets when the better ones are to get more (M9)."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from random import Random

from followup_scheduler.core.evidence.tallies import Tally


@dataclass(frozen=True, slots=True)
class Chosen:
    """A text, and the figures in a sentence."""

    name: str
    why: str


def thompson(tallies: Mapping[str, Tally], *, seed: str) -> Chosen:
    """Draw a rate for each from what is known of it; the highest wins.

    Thompson sampling (Thompson 1933, Biometrika 25): what does well is chosen more often,
    what is hardly known still gets its chance. Rates are Beta distributed on a uniform
    prior. `seed` says who asks, so that the same lead gets the same answer to the same
    figures.
    """
    if not tallies:
        raise ValueError("nothing to choose from")
    chance = Random(sha256(seed.encode()).digest())  # noqa: S311 - to be the same again
    drawn = {name: _draw(chance, tallies[name]) for name in sorted(tallies)}
    name = max(drawn, key=lambda each: drawn[each])
    told = ", ".join(f"{n} {t.answered} of {t.sent}" for n, t in sorted(tallies.items()))
    return Chosen(name, f"drawn by what was answered: {told}")


def _draw(chance: Random, tally: Tally) -> float:
    answered = min(tally.answered, tally.sent)
    return chance.betavariate(1 + answered, 1 + tally.sent - answered)
