"""Runs that go over to a version that was published, a few at a time."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from followup_database import Database, Transaction
from followup_runtime.loops import Tick
from followup_scheduler.consequences import go_over
from followup_scheduler.isolation import is_ours, one_by_one
from followup_scheduler.runs import RunStore
from followup_scheduler.store import enrollments, moves
from followup_scheduler.store.moves import Move

EVERY = 1.0
"""Seconds between two rounds: what a move may take of a second it takes at once."""
IDLE = 2.0
_BATCH = 200


class Moves:
    """Moves runs on, each sequence at its own pace; what is planned anew is spread by it.

    Any number of schedulers may run it at once: a move is worked on by one at a time.
    """

    name = "scheduler:moves"

    def __init__(self, database: Database, runs: RunStore, *, most: int = 20) -> None:
        self._database = database
        self._runs = runs
        self._most = most

    async def run_once(self) -> Tick:
        """One round of every move under way."""
        async with self._database.transaction() as tx:
            under_way = await moves.unfinished(tx, most=self._most)
        moved = 0
        for move_id, per_second in under_way:
            moved += await self._round(move_id, per_second)
        return Tick(moved, EVERY if under_way else IDLE)

    async def _round(self, move_id: UUID, per_second: int) -> int:
        moved, left = 0, per_second
        while left > 0:
            batch = await self._batch(move_id, most=min(left, _BATCH))
            moved += batch
            left -= _BATCH
            if batch == 0:
                break
        return moved

    async def _batch(self, move_id: UUID, *, most: int) -> int:
        """Some runs in one transaction; if it fails, each in its own, the culprit left behind."""
        ids: list[UUID] = []
        move: Move | None = None
        try:
            async with self._database.transaction() as tx:
                move = await moves.lock(tx, move_id)
                if move is None:
                    return 0
                ids = await self._behind(tx, move, most=most)
                await self._go_over(tx, move, ids)
                await _advance(tx, move, ids)
        except Exception as error:
            if move is None or not ids or not is_ours(error):
                raise
        else:
            return len(ids)
        done = await one_by_one(
            ids, attempt=partial(self._alone, move), postpone=self._left, name=_itself
        )
        async with self._database.transaction() as tx:
            await _advance(tx, move, ids)
        return done

    async def _behind(self, tx: Transaction, move: Move, *, most: int) -> list[UUID]:
        return await enrollments.behind(
            tx, move.tenant_id, move.key, version=move.version, after=move.after, most=most
        )

    async def _go_over(self, tx: Transaction, move: Move, ids: Sequence[UUID]) -> None:
        runs = await self._runs.load(tx, ids)
        place = (move.tenant_id, move.key, move.version)
        editions = await self._runs.book.editions(tx, [place])
        for run in runs.values():
            go_over(run, editions[place], version=move.version, steps=move.steps, now=tx.now)
        await self._runs.save(tx, runs.values())

    async def _alone(self, move: Move, run_id: UUID) -> int:
        async with self._database.transaction() as tx:
            await self._go_over(tx, move, [run_id])
        return 1

    async def _left(self, _run_id: UUID) -> None:
        """It stays with its version, which goes on as it was; the log says so."""
        self._runs.figures.left_out(self.name)


async def _advance(tx: Transaction, move: Move, ids: Sequence[UUID]) -> None:
    if ids:
        await moves.progress(tx, move, after=ids[-1], moved=len(ids))
    else:
        await moves.finish(tx, move)


def _itself(run_id: UUID) -> UUID:
    return run_id
