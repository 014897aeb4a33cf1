"""Going through a batch one by one, so that what cannot be done holds up nothing else."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

import structlog

from followup_database.errors import is_conflict, is_outage

POSTPONED = timedelta(minutes=5)
"""How long something that failed on its own is left alone before it is tried again."""

_log = structlog.get_logger()
_T = TypeVar("_T")


def is_ours(error: BaseException) -> bool:
    """Whether a failure lies in what was to be done, not in the database or in others."""
    return not is_outage(error) and not is_conflict(error)


async def one_by_one(
    items: Iterable[_T],
    *,
    attempt: Callable[[_T], Awaitable[int]],
    postpone: Callable[[_T], Awaitable[None]],
    name: Callable[[_T], UUID],
) -> int:
    """Attempt each in a transaction of its own; returns how much was done.

    One that fails is logged by its id and postponed. One that lost to another
    transaction stays as it is; an outage ends the round.
    """
    done = 0
    for item in items:
        try:
            done += await attempt(item)
        except Exception as error:
            if is_outage(error):
                raise
            if is_ours(error):
                _log.error("left out of its batch", id=str(name(item)), exc_info=error)
                await postpone(item)
    return done
