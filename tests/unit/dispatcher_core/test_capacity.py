"""How many calls may be in flight, counted exactly while several batches are put together."""

import asyncio
from uuid import UUID

import pytest

from followup_dispatcher.capacity import Capacity

ONE, OTHER = UUID(int=1), UUID(int=2)


@pytest.fixture
def capacity() -> Capacity:
    return Capacity(16, clock=lambda: 100.0)


def test_an_account_holds_a_quarter(capacity):
    """Its fifth call has to wait; another account's does not."""
    for _ in range(4):
        capacity.take(ONE)
    assert capacity.free_for(ONE) == 0
    assert capacity.free_for(OTHER) == 4


def test_what_is_promised_to_one_batch_is_not_there_for_the_next(capacity):
    """Places are kept while a batch is decided on, and free again afterwards."""
    with capacity.promise([None] * 10) as promise:
        assert capacity.free("now") == 6
        capacity.take(ONE)
        promise.keep(ONE)
        assert capacity.free("now") == 6
    assert capacity.free("now") == 15


def test_what_is_promised_of_an_account_is_not_there_for_the_next_batch(capacity):
    """Nor is it counted twice once it is taken; who has it in promise may still take it."""
    with capacity.promise([ONE, ONE, ONE, OTHER, None]) as promise:
        assert capacity.unpromised_for(ONE) == 1
        assert capacity.free_for(ONE) == 4
        capacity.take(ONE)
        promise.keep(ONE)
        assert capacity.unpromised_for(ONE) == 1
        assert capacity.unpromised_for(OTHER) == 3
    assert capacity.unpromised_for(ONE) == 3
    assert capacity.unpromised_for(OTHER) == 4


def test_more_may_be_taken_than_was_promised(capacity):
    """A batch tried again takes places that its first try gave back: none is owed for them."""
    with capacity.promise([ONE]) as promise:
        for _ in range(3):
            capacity.take(ONE)
            promise.keep(ONE)
        assert capacity.unpromised_for(ONE) == 1
        assert capacity.free("now") == 13
    assert capacity.free("now") == 13


def test_places_promised_are_free_again_when_a_claim_fails(capacity):
    """Whatever ends it."""
    with pytest.raises(ValueError, match="no"), capacity.promise([ONE, None, None]):
        raise ValueError("no")
    assert capacity.free("now") == 16


def test_a_call_that_was_not_claimed_leaves_no_trace(capacity):
    """Its place is free, and how long others lasted is not mistaken."""
    capacity.take(ONE)
    capacity.take(ONE)
    capacity.drop(ONE)
    assert capacity.free_for(ONE) == 3
    capacity.drop(ONE)
    assert capacity.taken == 0
    assert capacity.oldest(ONE) == 0.0


async def test_a_place_given_back_between_asking_and_waiting_is_told(capacity):
    """Whoever asked before it and waits after it does not wait for the next one."""
    capacity.take(ONE)
    told = capacity.changed()
    capacity.give_back(ONE)
    async with asyncio.timeout(5):
        assert await told


async def test_two_who_wait_are_told_of_the_same_place(capacity):
    """One that begins to wait takes nothing from another that waits already."""
    capacity.take(ONE)
    waiting = [asyncio.ensure_future(capacity.changed()) for _ in range(2)]
    capacity.give_back(ONE)
    async with asyncio.timeout(5):
        assert await asyncio.gather(*waiting) == [True, True]
