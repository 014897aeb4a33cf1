"""The races: people whose touch is due, and for each a stop aimed at that moment."""

import asyncio
import json
import sys
import time
from collections import defaultdict, deque
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

from followup_testkit.waiting import until
from race.asking import ask
from race.ground import Ground
from race.people import PACES, People, Person
from race.stops import SHARES, stop
from race.verdict import Stopped, percentile

AIM = (-0.1, 0.25)
"""Seconds from the expected send to a stop's answer: its commit, a quarter of a second
before, then comes just before the send as often as just after."""
TURNS = ("quick", "paced", "quick", "crowded")
"""The pace of each second's people; where nobody waits, sends are told best beforehand."""
LATE_SHARE = 0.12
LATE = (0.4, 3.0)
"""Seconds by which some stops come later: they show how long sends take when nothing stops
them, and meet the second touch."""
LETTERS = "letter-and-text"
REMEMBERED, ENOUGH = 60, 4
POLL = 0.25
PAIRS = 20
"""Of a hundred texts so many have a letter behind them."""
IDLE, BUSY = 0.34, 0.45
"""Seconds that a stop's answer takes, the fence's 250 ms included: below the first the
races come faster, above the second more slowly."""
SLOWEST = 4
FIRST_GUESS = 1.0
BUSY_NOW, AGAIN_AFTER, MOST_AGAIN = 503, 0.5, 500
FEW, CALIBRATION = 8, 20.0
DRAIN = 120.0
QUIET = 3.0
"""Seconds without a send after which the races are over."""


@dataclass
class Races:
    """A run of races, `per_second` new people a second."""

    ground: Ground
    people: People
    random: Random
    per_second: int
    clock_offset: float = 0.0
    sends: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    stopped: list[Stopped] = field(default_factory=list)
    answers: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failed: list[str] = field(default_factory=list)
    asked_again: int = 0
    _known: dict[str, Person] = field(default_factory=dict)
    _delays: dict[tuple[str, str], deque[float]] = field(default_factory=dict)
    _waiting: list[Person] = field(default_factory=list)
    _late: set[str] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _watching: asyncio.Task[None] = field(init=False)
    _read: int = 0
    _last_send: float = 0.0

    async def run(self, races: int) -> None:
        """Race so often, and return once nothing goes out any more."""
        self.clock_offset = time.time() - time.monotonic()
        self._watching = asyncio.create_task(self._watch())
        made = await self._calibrate(races)
        begun, tick, pace = time.monotonic(), 0, float(self.per_second)
        while made < races:
            count = min(int(pace), races - made)
            await self._wave(TURNS[tick % len(TURNS)], count, tick)
            made, tick = made + count, tick + 1
            await asyncio.sleep(max(0.0, begun + tick - time.monotonic()))
            pace = self._next_pace(pace)
            if tick % 5 == 0:
                self._report(made, races, begun)
        await until(self._carried_out, within=DRAIN, what="every stop carried out")
        await until(self._quiet, within=DRAIN, what="nothing goes out any more")
        self._watching.cancel()
        await asyncio.gather(self._watching, return_exceptions=True)
        await self._collect()

    def known(self, recipient: str) -> Person:
        """Whose address this is."""
        return self._known[recipient]

    async def _calibrate(self, races: int) -> int:
        """See first how long sends take that nothing stops; how many races that was."""
        each = min(FEW, races // len(PACES))
        for pace in PACES:
            await self._wave(pace, each, 0)

        def seen() -> bool:
            return all(len(self._delays.get((p, "text"), ())) >= ENOUGH for p in PACES)

        with suppress(AssertionError):  # then the first aims are guesses
            await until(seen, within=CALIBRATION, what="sends of every pace")
        return each * len(PACES)

    def _carried_out(self) -> bool:
        if self._watching.done():
            self._watching.result()  # what ended it ends the run
        return not self._waiting and not self._tasks

    def _quiet(self) -> bool:
        last = max(self._last_send, *(stop.answered for stop in self.stopped))
        return time.monotonic() - last > QUIET

    async def _wave(self, pace: str, count: int, tick: int) -> None:
        """New people of one pace; those who will follow a link get a letter first."""
        lane = "later" if tick // len(TURNS) % 2 else "now"
        added = await self.people.add(pace, [self._sequence() for _ in range(count)], lane=lane)
        self._waiting += added
        for person in added:
            self._known[person.phone] = self._known[person.email] = person

    def _sequence(self) -> str:
        if self.random.randrange(100) < SHARES["link"]:
            return LETTERS
        return "text-and-letter" if self.random.randrange(100) < PAIRS else "text"

    def _next_pace(self, pace: float) -> float:
        """New people a second: as many as keep answers quick, `per_second` at most.

        A stop that waits a second for its turn races with nothing.
        """
        latest = [taken for several in self.answers.values() for taken in several[-10:]]
        usual = percentile(latest, 0.5)
        if usual > BUSY:
            return max(SLOWEST, pace * 0.8)
        return min(self.per_second, pace * 1.1) if usual < IDLE else pace

    async def _watch(self) -> None:
        """Aim at what is planned, and collect what went out."""
        while True:
            for person in await self.people.planned(self._waiting) if self._waiting else ():
                self._waiting.remove(person)
                task = asyncio.create_task(self._race(person))
                self._tasks.add(task)
                task.add_done_callback(self._done)
            await self._collect()
            await asyncio.sleep(POLL)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.failed.append(f"{type(error).__name__}: {error}")

    async def _race(self, person: Person) -> None:
        kind = self._kind(person)
        await asyncio.sleep(self._aim(person, kind) - time.monotonic())
        answered = await stop(self.ground, person, kind, self.random)
        while answered.status == BUSY_NOW and self.asked_again < MOST_AGAIN:
            # Nothing was promised: who has a stop to tell comes again.
            self.asked_again += 1
            await asyncio.sleep(AGAIN_AFTER)
            answered = await stop(self.ground, person, kind, self.random)
        if not 200 <= answered.status < 300:
            self.failed.append(f"{kind}: {answered.status} {answered.body[:120]!r}")
            return
        self.answers[kind].append(answered.at - answered.asked)
        self.stopped.append(Stopped(person.name, kind, answered.at))

    def _kind(self, person: Person) -> str:
        if person.sequence == LETTERS:
            return "link"
        kinds = [kind for kind in SHARES if kind != "link"]
        return self.random.choices(kinds, [SHARES[kind] for kind in kinds])[0]

    def _aim(self, person: Person, kind: str) -> float:
        """When to ask, so that the answer comes around the moment of the send."""
        if person.due is None:
            raise ValueError("nothing is planned to aim at")
        due = person.due.timestamp() - self.clock_offset
        delays = self._delays.get((person.pace, person.first), ())
        if len(delays) < ENOUGH:
            delays = self._delays.get((person.pace, "text"), ())
        expected = due + (self.random.choice(delays) if delays else FIRST_GUESS)
        takes = percentile(self.answers[kind][-50:], 0.5) or 0.3
        if len(delays) < ENOUGH or self.random.random() < LATE_SHARE:
            self._late.add(person.name)
            return expected + self.random.uniform(*LATE)
        return expected + self.random.uniform(*AIM) - takes

    async def _collect(self) -> None:
        """Read the provider's new stamps."""
        answer = await ask("GET", f"{self.ground.provider}/arrivals?from={self._read}")
        fresh: list[tuple[float, str]] = json.loads(answer.body)
        self._read += len(fresh)
        for stamp, recipient in fresh:
            person = self._known[recipient]
            if person.due is not None and person.name in self._late:
                self._late.discard(person.name)
                delay = stamp - (person.due.timestamp() - self.clock_offset)
                key = (person.pace, person.first)
                self._delays.setdefault(key, deque(maxlen=REMEMBERED)).append(delay)
            self.sends[person.name].append(stamp)
            self._last_send = max(self._last_send, stamp)

    def _report(self, made: int, races: int, begun: float) -> None:
        seconds = time.monotonic() - begun
        print(
            f"{seconds:5.0f} s  {made}/{races} people  {len(self.stopped)} stopped"
            f"  {self._read} sends  {len(self.failed)} failed",
            file=sys.stderr,
            flush=True,
        )
