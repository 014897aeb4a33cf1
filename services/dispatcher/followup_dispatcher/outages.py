"""Waiting out a database that is away, or others that are in the way."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from followup_database.errors import is_passing

log = structlog.get_logger(__name__)

T = TypeVar("T")

FIRST, LONGEST = 0.1, 5.0
"""Seconds between two tries; they double."""


async def patiently(work: Callable[[], Awaitable[T]]) -> T:
    """Do it, trying again while trying may help."""
    pause = FIRST
    while True:
        try:
            return await work()
        except Exception as error:
            if not is_passing(error):
                raise
            log.warning("database_busy", error=type(error).__name__, seconds=pause)
        await asyncio.sleep(pause)
        pause = min(LONGEST, pause * 2)
