"""Transactions that try again when they lose to somebody else's.

Whoever asks does not always come again after a 5xx, and what they bring may be a lead or
a stop: a deadlock must not lose it.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

from followup_database.engine import Database, Transaction
from followup_database.errors import is_conflict

TRIES = 5

_T = TypeVar("_T")


async def committed(
    database: Database,
    work: Callable[[Transaction], Awaitable[_T]],
    *,
    tenant: UUID | None = None,
    plans_stay: bool = False,
) -> _T:
    """What `work` returns, committed; begun anew after a conflict, `TRIES` times at most.

    `work` may run several times: what it does outside its transaction it does each time.
    `plans_stay`: as `Database.transaction` has it.
    """
    for _ in range(TRIES - 1):
        try:
            async with database.transaction(tenant=tenant, plans_stay=plans_stay) as tx:
                return await work(tx)
        except Exception as error:
            if not is_conflict(error):
                raise
    async with database.transaction(tenant=tenant, plans_stay=plans_stay) as tx:
        return await work(tx)
