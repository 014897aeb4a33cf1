"""A service's part in deleting tenants: every row in its schemas, a bounded step at a time."""

from bisect import bisect_left
from dataclasses import replace

from followup_database import Database, Transaction
from followup_database.tenancy import erase_stretch, tables_of_tenants
from followup_directory.removals import KEPT, SCHEMAS, Part, open_part, part_reached, round_over
from followup_runtime.loops import Tick

EVERY = 5.0
"""Seconds between two looks for tenants that were deleted."""
_BREATH = 0.02
PAGES = 256
"""Of a table, in one statement: 2 MB."""
STRETCHES = 32
MOST = 5_000
"""Statements, and rows about which one more is begun, in a transaction."""


class RemovalLoop:
    """Takes the oldest part that waits for this service a step further.

    Any number of replicas may run it: a part is locked while one works on it, and how far
    it has come is committed with what went.
    """

    def __init__(
        self, service: str, database: Database, *, pages: int = PAGES, stretches: int = STRETCHES
    ) -> None:
        self.name = f"{service}:removal"
        self._service = service
        self._database = database
        self._pages = pages
        self._stretches = stretches

    async def run_once(self) -> Tick:
        """One transaction: a few stretches of the tables of one tenant."""
        async with self._database.transaction() as tx:
            part = await open_part(tx, self._service)
            if part is None:
                return Tick(worked=0, again_in=EVERY)
            worked = await self._walk(tx, part)
        return Tick(worked=worked, again_in=_BREATH)

    async def _walk(self, tx: Transaction, part: Part) -> int:
        """Walk on from where the part stands; how many rows went."""
        found = await tables_of_tenants(tx, SCHEMAS[self._service])
        tables = [name for name in found if name not in KEPT]
        # A release may have brought or dropped a table since.
        place = bisect_left(tables, part.place or "")
        page = part.page if tables[place : place + 1] == [part.place] else 0
        counts, worked, stretches = dict(part.counts), 0, 0
        while place < len(tables) and stretches < self._stretches and worked < MOST:
            name = tables[place]
            stretch = await erase_stretch(tx, name, part.tenant_id, page=page, pages=self._pages)
            if stretch.rows:
                counts[name] = counts.get(name, 0) + stretch.rows
            worked, stretches = worked + stretch.rows, stretches + 1
            place, page = (
                (place + 1, 0) if stretch.next_page is None else (place, stretch.next_page)
            )
        reached = replace(part, page=page, found=part.found + worked, counts=counts)
        if place == len(tables):
            await round_over(tx, reached)
        else:
            await part_reached(tx, replace(reached, place=tables[place]))
        return worked
