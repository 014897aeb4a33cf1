"""The driver: waits until all is idle, lets people act, and jumps the business clock."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from followup_embedded.demo.errors import DemoFailed
from followup_embedded.demo.hands import Hands
from followup_embedded.demo.world import Action, World
from followup_embedded.house import Embedded
from followup_embedded.stillness import at_rest
from followup_runtime.clocks import SteppingClock

_AT_ONCE = 24


@dataclass(slots=True)
class Driver:
    """Plays the world against a running house until nothing is left to wait for."""

    house: Embedded
    clock: SteppingClock
    hands: Hands
    world: World
    until: datetime
    jumps: int = 0
    entries: int = 0

    async def play(self, progress: Callable[[], Awaitable[None]]) -> None:
        """To the end; raises `DemoFailed` when it never comes."""
        known: set[UUID] = set()
        acted = True
        while True:
            due = await at_rest(self.house)
            for entry in await self.hands.entries():
                self.entries += 1
                self.world.see(entry)
            if acted:  # only what people say makes work for people
                await self._hand_out(known)
            await progress()
            actions = self.world.due(self.clock())
            acted = bool(actions)
            if acted:
                await self._act(actions)
                continue
            following = min(filter(None, (due, self.world.next_at)), default=None)
            if following is None:
                return
            if following > self.until:
                raise DemoFailed(f"not at its end by {self.until:%d %B %Y}")
            self._jump(following)

    async def _hand_out(self, known: set[UUID]) -> None:
        for task in await self.hands.tasks():
            if task.id not in known:
                known.add(task.id)
                self.world.task(task, self.clock())

    async def _act(self, actions: Iterable[Action]) -> None:
        """Let people act, several at once: they do not wait for one another."""
        hands = asyncio.Semaphore(_AT_ONCE)

        async def one(action: Action) -> None:
            async with hands:
                answered = await self.hands.do(action)
            self.world.after(action, answered)

        async with asyncio.TaskGroup() as group:
            for action in actions:
                group.create_task(one(action))

    def _jump(self, to: datetime) -> None:
        if to > self.clock():
            self.jumps += 1
            # A timer is due at its moment, not before it.
            self.clock.jump(to + timedelta(microseconds=1))
        self.house.nudge()
