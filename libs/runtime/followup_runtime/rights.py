"""A service's part in what people ask for: its own rows about them, erased or handed in."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from followup_database import Database, Transaction
from followup_database.errors import is_outage
from followup_database.personal import PersonalTable, Subject, erase_rows, read_rows
from followup_people import RightAsked, open_right, right_done
from followup_runtime.loops import Tick
from followup_runtime.rests import Rests

MOST = 20
EVERY = 1.0
"""Seconds between two looks: how long an erasure takes to reach every service."""

Before = Callable[[Transaction, Subject], Awaitable[Mapping[str, int]]]
"""What a service does first when somebody is erased, besides its register; counts of it."""
Beside = Callable[[Transaction, Subject], Awaitable[Mapping[str, Any]]]
"""What a service hands in besides its register."""


async def nothing_before(tx: Transaction, subject: Subject) -> Mapping[str, int]:
    """For a service whose register says it all."""
    del tx, subject
    return {}


async def nothing_beside(tx: Transaction, subject: Subject) -> Mapping[str, Any]:
    """For a service whose register says it all."""
    del tx, subject
    return {}


class RightsLoop:
    """Takes requests that wait for this service; each is whole or not done.

    Any number of replicas may run it: a request is locked while one works on it. One that
    fails keeps nobody waiting: it has a transaction of its own, and is left alone for a
    while, each time for longer.
    """

    def __init__(
        self,
        service: str,
        database: Database,
        register: Sequence[PersonalTable],
        *,
        before: Before = nothing_before,
        beside: Beside = nothing_beside,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = f"{service}:rights"
        self._service = service
        self._database = database
        self._register = register
        self._before = before
        self._beside = beside
        self._rests = Rests(monotonic)

    async def run_once(self) -> Tick:
        """Do this service's part of the oldest requests.

        The errors of those that failed are raised together, when all others are done.
        """
        failures: dict[UUID, Exception] = {}
        worked = 0
        for _ in range(MOST):
            tried = await self._next(failures)
            if tried is None:
                break
            worked += tried not in failures
        if failures:
            which = ", ".join(map(str, failures))
            raise ExceptionGroup(f"{self._service}: {which}", list(failures.values()))
        return Tick(worked=worked, again_in=0.0 if worked == MOST else EVERY)

    async def _next(self, failures: dict[UUID, Exception]) -> UUID | None:
        """Try one request; which one. An error of its own goes to `failures`."""
        asked = None
        try:
            async with self._database.transaction() as tx:
                asked = await open_right(tx, self._service, without=self._rests.now())
                if asked is None:
                    return None
                await self._do(tx, asked)
        except Exception as error:
            if asked is None or is_outage(error):
                raise
            failures[asked.id] = error
            self._rests.lay_aside(asked.id)
        else:
            self._rests.done(asked.id)
        return asked.id

    async def _do(self, tx: Transaction, asked: RightAsked) -> None:
        subject = Subject(asked.tenant_id, asked.persons, asked.addresses)
        match asked.kind:
            case "erase":
                counts = dict(await self._before(tx, subject))
                for table in self._register:
                    counts[table.name] = await erase_rows(tx, table, subject)
                await right_done(tx, asked, self._service, counts=counts)
            case "export":
                found = {t.name: await read_rows(tx, t, subject) for t in self._register}
                content = {**found, **await self._beside(tx, subject)}
                counts = {name: len(rows) for name, rows in found.items()}
                await right_done(tx, asked, self._service, counts=counts, content=content)
