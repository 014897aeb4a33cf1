"""Work that belongs to whatever is committed: carried out in each transaction of a block.

Who surrounds others' work, and cannot reach into their transactions, has a row of their own
committed with it this way.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from followup_database.engine import Transaction

Work = Callable[["Transaction"], Awaitable[None]]


class _Block:
    """One block; `work` is None behind its end, for tasks that outlive it."""

    __slots__ = ("work",)

    def __init__(self, work: Work | None) -> None:
        self.work = work


_BLOCK: ContextVar[_Block | None] = ContextVar("followup_database.beside", default=None)


@contextmanager
def beside(work: Work | None) -> Iterator[None]:
    """Carry `work` out last in each transaction that this block commits, but for snapshots.

    None: nothing, whatever block this one stands in. What `work` raises rolls back.
    """
    block = _Block(work)
    token = _BLOCK.set(block)
    try:
        yield
    finally:
        block.work = None
        _BLOCK.reset(token)


async def carry_out(tx: "Transaction") -> None:
    """Do what stands beside the commit that comes now."""
    block = _BLOCK.get()
    if block is not None and block.work is not None:
        await block.work(tx)
