"""Freezes: dispatchers stopped for moments, a slow link, and what that does to first bytes."""

import asyncio
import signal
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from sqlalchemy import text

from followup_testkit.proxies import TcpProxy
from race.ground import Ground
from race.people import People, Person
from race.racing import Races

PAUSE = (0.05, 0.4)
FREEZE = (0.02, 0.9)
DELAYS = (0.0, 0.1, 0.4)
"""Seconds: between freezes, of a freeze, and that the slow link holds each piece."""

CLOCKS = 0.002
"""Seconds that the wall clock of a stamp may have drifted since the run began."""

_STARTED = text("""
SELECT recipient, started_on FROM dispatcher.attempts WHERE started_on IS NOT NULL
""")


async def freeze(ground: Ground, proxy: TcpProxy, random: Random) -> None:
    """Freeze one dispatcher after the other until cancelled; all go on at the end."""
    names = ground.names("dispatcher")
    try:
        while True:
            await asyncio.sleep(random.uniform(*PAUSE))
            name = random.choice(names)
            proxy.delay = random.choice(DELAYS)
            ground.signal(name, signal.SIGSTOP)
            await asyncio.sleep(random.uniform(*FREEZE))
            ground.signal(name, signal.SIGCONT)
    finally:
        for name in names:
            ground.signal(name, signal.SIGCONT)
        proxy.delay = 0.0


@dataclass
class Starts:
    """The attempts' own start stamps by person, on CLOCK_MONOTONIC; the clock may be off."""

    of_person: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    async def read(cls, people: People, run: Races) -> "Starts":
        """From the dispatchers' ledger."""
        starts = cls()
        async with people.database.transaction() as tx:
            rows = await tx.all(_STARTED)
        for row in rows:
            person = run.known(row["recipient"])
            stamp = row["started_on"].timestamp() - run.clock_offset
            starts.of_person[person.name].append(stamp)
        return starts


@dataclass
class LateBytes:
    """First bytes that came after the answer to a stop though their attempt began before."""

    frozen: list[float] = field(default_factory=list)
    on_the_link: list[float] = field(default_factory=list)
    unstamped: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, run: Races, starts: Starts) -> "LateBytes":
        """Every one, with the seconds between its start stamp and its first byte."""
        late = cls()
        for stop in run.stopped:
            person = run.known(stop.person)
            for stamp in run.sends.get(stop.person, ()):
                if stamp > stop.answered:
                    late.add(person, stamp, starts.of_person.get(stop.person, ()))
        return late

    def add(self, person: Person, stamp: float, starts: Sequence[float]) -> None:
        """Count a late first byte."""
        begun = max((start for start in starts if start <= stamp + CLOCKS), default=None)
        if begun is None:
            self.unstamped.append(person.name)
        elif person.linked:
            self.on_the_link.append(stamp - begun)
        else:
            self.frozen.append(stamp - begun)

    def summary(self) -> dict[str, Any]:
        """Counts, and the longest gap of each kind in ms."""
        return {
            "late_bytes_of_frozen": len(self.frozen),
            "late_bytes_on_the_link": len(self.on_the_link),
            "longest_freeze_ms": round(1000 * max(self.frozen, default=0.0)),
            "longest_link_ms": round(1000 * max(self.on_the_link, default=0.0)),
            "late_bytes_without_a_start": len(self.unstamped),
        }
