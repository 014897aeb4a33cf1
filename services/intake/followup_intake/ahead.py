"""Doing the next thing while the last one is waited for."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeVar

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _End:
    """What comes behind the last item: why there are no more."""

    error: Exception | None


async def ahead(source: AsyncGenerator[_T], *, most: int) -> AsyncGenerator[_T]:
    """The items of `source` in order, made up to `most` ahead by a task of its own.

    What ends the source is raised behind its last item. Closing this closes the source.
    """
    made: asyncio.Queue[_T | _End] = asyncio.Queue(most)
    making = asyncio.create_task(_make(source, made))
    try:
        while not isinstance(item := await made.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        making.cancel()
        await asyncio.wait([making])


async def _make(source: AsyncGenerator[_T], made: "asyncio.Queue[_T | _End]") -> None:
    error = None
    try:
        async with aclosing(source):
            async for item in source:
                await made.put(item)
    except Exception as raised:  # noqa: BLE001 - raised again where the items are taken
        error = raised
    await made.put(_End(error))
