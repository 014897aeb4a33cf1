"""What is injured when: drawn from a seed before the run, and the same for the same seed.

Tracks run beside one another: processes are killed all the time, others are frozen or
restarted in order, one thing after the other happens to broker and database and the links
to them, and the provider has its moods.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle
from random import Random

REPLICAS = (
    "intake",
    "scheduler-1",
    "scheduler-2",
    "dispatcher-1",
    "dispatcher-2",
    "dispatcher-3",
    "replies-1",
    "replies-2",
)
SERVICES = ("intake", "scheduler", "dispatcher", "replies")

KILL = "kill"
KILL_EVERY = 2.4
"""Seconds between kills, in the mean."""

CALM = 5.0
"""Seconds between two injuries of a track, in the mean."""


@dataclass(frozen=True, slots=True)
class Injury:
    """One injury: at the earliest `at` seconds into the run, for `seconds` where it lasts.

    `target` is a replica, a service or nothing; `much` a delay in seconds, or the share
    of requests that a mood of the provider befalls.
    """

    at: float
    kind: str
    target: str = ""
    seconds: float = 0.0
    much: float = 0.0


Draw = Callable[[Random, float], Injury]


def _freeze(random: Random, at: float) -> Injury:
    return Injury(at, "freeze", random.choice(REPLICAS), random.uniform(1, 6))


def _roll(random: Random, at: float) -> Injury:
    return Injury(at, "rolling_restart", random.choice(SERVICES))


def _lasting(kind: str, least: float, most: float) -> Draw:
    return lambda random, at: Injury(at, kind, seconds=random.uniform(least, most))


def _delay(kind: str) -> Draw:
    return lambda random, at: Injury(
        at, kind, seconds=random.uniform(3, 8), much=random.uniform(0.02, 0.15)
    )


TO_PROCESSES: dict[str, Draw] = {
    "freeze": _freeze,
    "rolling_restart": _roll,
}
TO_SERVERS: dict[str, Draw] = {
    "rabbit_restart": _lasting("rabbit_restart", 0, 0),
    "rabbit_kill": _lasting("rabbit_kill", 0, 0),
    "rabbit_wipe": _lasting("rabbit_wipe", 0, 0),
    "amqp_drop": _lasting("amqp_drop", 0, 0),
    "amqp_cut": _lasting("amqp_cut", 1, 4),
    "amqp_stall": _lasting("amqp_stall", 1, 4),
    "amqp_delay": _delay("amqp_delay"),
    "postgres_restart": _lasting("postgres_restart", 0, 0),
    "postgres_drop": _lasting("postgres_drop", 0, 0),
    "postgres_cut": _lasting("postgres_cut", 1, 4),
    "postgres_stall": _lasting("postgres_stall", 1, 4),
    "postgres_delay": _delay("postgres_delay"),
    "postgres_full": _lasting("postgres_full", 2, 5),
}

MOODS = (
    "too_many",
    "too_many_retry_after",
    "error_before",
    "error_after",
    "cut_before",
    "cut_after",
    "silence_before",
    "silence_after",
    "half_body",
    "garbled",
    "calm",
)
SLOW = "slow"
SLOW_SECONDS = 60.0
"""How long the provider takes two seconds for everything, once in a run (or all of it)."""


TRACKS = ("kills", "processes", "servers", "moods", "slow")


def plan(seed: int, seconds: float, *, kill_every: float = KILL_EVERY) -> dict[str, list[Injury]]:
    """The injuries of each of `TRACKS` in their order; each begins before `seconds` are over.

    `kill_every`: seconds between kills, in the mean.
    """
    random = Random(seed)  # noqa: S311 - drawn again from the same seed, never a secret
    return {
        "kills": list(_kills(random, seconds, every=kill_every)),
        "processes": list(_injuries(random, seconds, TO_PROCESSES)),
        "servers": list(_injuries(random, seconds, TO_SERVERS)),
        "moods": list(_moods(random, seconds)),
        "slow": [_slow(random, seconds)],
    }


def _slow(random: Random, seconds: float) -> Injury:
    lasts = min(SLOW_SECONDS, seconds)
    return Injury(random.uniform(0, seconds - lasts), SLOW, seconds=lasts)


def _kills(random: Random, seconds: float, *, every: float) -> Iterator[Injury]:
    at = random.expovariate(1 / every)
    while at < seconds:
        yield Injury(at, KILL, random.choice(REPLICAS), random.uniform(0.1, 1.5))
        at += random.expovariate(1 / every)


def _injuries(random: Random, seconds: float, kinds: Mapping[str, Draw]) -> Iterator[Injury]:
    """Each kind once in a drawn order before any comes again."""
    at = random.expovariate(1 / CALM)
    for kind in _decks(random, tuple(kinds)):
        if at >= seconds:
            return
        injury = kinds[kind](random, at)
        yield injury
        at += injury.seconds + random.expovariate(1 / CALM)


def _moods(random: Random, seconds: float) -> Iterator[Injury]:
    at = 0.0
    for kind in _decks(random, MOODS):
        if at >= seconds:
            return
        lasts = random.uniform(4, 9)
        yield Injury(at, kind, seconds=lasts, much=random.uniform(0.3, 1.0))
        at += lasts


def _decks(random: Random, cards: Sequence[str]) -> Iterator[str]:
    for _ in cycle((None,)):
        yield from random.sample(cards, len(cards))
