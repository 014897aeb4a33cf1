"""Loops that tick and tasks that run: what every service is made of."""

import asyncio
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Tick:
    """What one turn of a loop did, and how many seconds until the next is worth it."""

    worked: int
    again_in: float


class Loop(Protocol):
    """One turn at a time; ticking, backing off and stopping are the runner's."""

    name: str

    async def run_once(self) -> Tick:
        """Do what is due now."""
        ...


class Runner(Protocol):
    """A task of a service that runs until it is told to stop, and then ends what it began."""

    name: str

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set."""
        ...
