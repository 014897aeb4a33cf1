import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup_intake.ahead import ahead
from followup_testkit.waiting import until


class BrokenError(Exception):
    """What a source ends with."""


class Source:
    """Counts what it was asked for; `fails_at` is the item that cannot be made."""

    def __init__(self, count: int, fails_at: int | None = None) -> None:
        self.count = count
        self.fails_at = fails_at
        self.made = 0
        self.closed = False

    async def items(self):
        try:
            for number in range(self.count):
                if number == self.fails_at:
                    raise BrokenError
                self.made += 1
                yield number
        finally:
            self.closed = True


async def take(source: Source, most: int) -> tuple[list[int], int, bool]:
    """What came, how far the source was ahead at most, and whether it broke."""
    came: list[int] = []
    lead = 0
    try:
        async for item in ahead(source.items(), most=most):
            came.append(item)
            lead = max(lead, source.made - len(came))
            await asyncio.sleep(0)
    except BrokenError:
        return came, lead, True
    return came, lead, False


@given(st.integers(0, 30), st.integers(1, 5), st.none() | st.integers(0, 30))
def test_items_come_in_order_and_never_too_many_ahead(count, most, fails_at):
    """All there are before the source ends or breaks; one more than is kept is in the making."""
    source = Source(count, fails_at)
    came, lead, broke = asyncio.run(take(source, most))
    whole = fails_at is None or fails_at >= count
    assert came == list(range(count if whole else fails_at))
    assert broke == (not whole)
    assert lead <= most + 1
    assert source.closed


async def test_a_taker_that_goes_away_ends_the_source():
    """Nothing is made for nobody."""
    source = Source(100)
    taking = ahead(source.items(), most=2)
    assert await anext(taking) == 0
    await taking.aclose()
    assert source.closed
    assert source.made <= 4


async def test_a_source_is_asked_while_its_last_item_is_worked_on():
    """That is what it is for."""
    source = Source(3)
    taking = ahead(source.items(), most=1)
    assert await anext(taking) == 0
    await until(lambda: source.made == 3)
    assert [item async for item in taking] == [1, 2]


async def test_an_error_is_raised_where_items_are_taken():
    """Behind those that were made before it."""
    taking = ahead(Source(3, fails_at=1).items(), most=2)
    assert await anext(taking) == 0
    with pytest.raises(BrokenError):
        await anext(taking)
