"""Transactions that try again when they lose to somebody else's.

A vendor does not always come again after a 5xx, and what it tells may be a stop: a
deadlock with an import must not lose it.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from followup_database import Database, Transaction
from followup_messaging.failures import is_conflict

TRIES = 5

_T = TypeVar("_T")


async def committed(database: Database, work: Callable[[Transaction], Awaitable[_T]]) -> _T:
    """What `work` returns, committed; begun anew after a conflict, `TRIES` times at most."""
    for _ in range(TRIES - 1):
        try:
            async with database.transaction() as tx:
                return await work(tx)
        except Exception as error:
            if not is_conflict(error):
                raise
    async with database.transaction() as tx:
        return await work(tx)
