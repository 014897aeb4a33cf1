"""What a race came to: pure functions of stamps."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

CLOSE = 0.300
"""Seconds: a send that begins within so long of the answer was raced closely."""

EDGES = (0, 50, 100, 150, 200, 250, 300, 500, 1000, 2000)
"""Milliseconds between the last send and the answer, as the histogram is cut."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """A stop that was answered: for whom, how, and when (CLOCK_MONOTONIC)."""

    person: str
    kind: str
    answered: float


@dataclass(frozen=True, slots=True)
class Violation:
    """A send that the answer to a stop forbade; `late` is in seconds."""

    person: str
    kind: str
    late: float


@dataclass(slots=True)
class Verdict:
    """Margins are in ms, from the last send of a person to the answer to their stop."""

    races: int = 0
    never_sent: int = 0
    closely: int = 0
    worst_margin_ms: float | None = None
    histogram: dict[str, int] = field(default_factory=dict)
    kinds: dict[str, int] = field(default_factory=dict)
    violations: list[Violation] = field(default_factory=list)


def judge(stops: Iterable[Stopped], sends: Mapping[str, Sequence[float]]) -> Verdict:
    """Hold every stop against the sends of its person, given as stamps in any order."""
    verdict = Verdict(histogram={_bin(edge): 0 for edge in EDGES})
    for stop in stops:
        verdict.races += 1
        verdict.kinds[stop.kind] = verdict.kinds.get(stop.kind, 0) + 1
        stamps = sends.get(stop.person, ())
        late = max((at for at in stamps if at > stop.answered), default=None)
        if late is not None:
            verdict.violations.append(Violation(stop.person, stop.kind, late - stop.answered))
        _measure(verdict, stop, stamps)
    return verdict


def _measure(verdict: Verdict, stop: Stopped, stamps: Sequence[float]) -> None:
    """Count how near the person's sends came to the answer."""
    if not stamps:
        verdict.never_sent += 1
        return
    verdict.closely += any(abs(at - stop.answered) <= CLOSE for at in stamps)
    margin = (stop.answered - max(stamps)) * 1000
    if verdict.worst_margin_ms is None or margin < verdict.worst_margin_ms:
        verdict.worst_margin_ms = margin
    if margin >= 0:
        verdict.histogram[_bin(max(edge for edge in EDGES if edge <= margin))] += 1


def _bin(edge: int) -> str:
    place = EDGES.index(edge)
    return f"{edge}-{EDGES[place + 1]}" if place + 1 < len(EDGES) else f"{edge}-"


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of them lies; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
