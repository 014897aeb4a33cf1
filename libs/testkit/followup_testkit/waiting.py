"""Waiting for something to become true, with a time limit and no fixed pauses."""

import asyncio
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any


async def until(
    condition: Callable[[], Any | Awaitable[Any]], *, within: float = 60.0, what: str = ""
) -> Any:
    """The condition's first true value; fails the test when `within` seconds bring none.

    For what offers no event to wait on (a row in a database, a counter); the time
    limit is for failing, a passing test never waits for it.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + within
    while True:
        value = condition()
        if isawaitable(value):
            value = await value
        if value:
            return value
        if loop.time() > end:
            raise AssertionError(f"not within {within} s: {what or condition}")
        await asyncio.sleep(0.01)
