"""A service's part in what people ask for: its own rows about them, erased or handed in."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from followup_database import Database, Transaction
from followup_database.personal import PersonalTable, Subject, erase_rows, read_rows
from followup_people import RightAsked, open_rights, right_done
from followup_runtime.loops import Tick

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

    Any number of replicas may run it: a request is locked while one works on it.
    """

    def __init__(
        self,
        service: str,
        database: Database,
        register: Sequence[PersonalTable],
        *,
        before: Before = nothing_before,
        beside: Beside = nothing_beside,
    ) -> None:
        self.name = f"{service}:rights"
        self._service = service
        self._database = database
        self._register = register
        self._before = before
        self._beside = beside

    async def run_once(self) -> Tick:
        """Do this service's part of the oldest requests."""
        async with self._database.transaction() as tx:
            asked = await open_rights(tx, self._service, most=MOST)
            for each in asked:
                await self._do(tx, each)
        return Tick(worked=len(asked), again_in=0.0 if len(asked) == MOST else EVERY)

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
