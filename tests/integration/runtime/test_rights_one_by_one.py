from uuid import UUID

import pytest

from followup_database import Database, new_id
from followup_directory import create_tenant
from followup_people import right_state
from followup_people.rights import ask_right
from followup_runtime import rights
from followup_runtime.rests import FIRST_REST
from followup_runtime.rights import RightsLoop


@pytest.fixture
def worker(databases) -> Database:
    return databases.worker


class Poison(Exception):
    """What the erasure of one person always ends in."""


class Part:
    """A service's part that fails for one person; which persons it was asked about."""

    def __init__(self, poisoned: UUID) -> None:
        self.poisoned = poisoned
        self.asked: list[UUID] = []

    async def before(self, tx, subject) -> dict[str, int]:
        del tx
        self.asked += subject.persons
        if self.poisoned in subject.persons:
            raise Poison
        return {"test.rows": 1}


async def test_somebody_who_cannot_be_erased_keeps_nobody_waiting(worker):
    """Those behind are erased in the same round; the one is tried again after a rest that
    doubles, and is told of each time.
    """
    poisoned, *others = persons = [new_id() for _ in range(3 + rights.MOST)]
    async with worker.transaction() as tx:
        tenant = (await create_tenant(tx, "acme", "Acme")).id
        asked = [await ask_right(tx, tenant, "erase", [person]) for person in persons]
    part, now = Part(poisoned), [0.0]
    loop = RightsLoop("intake", worker, [], before=part.before, monotonic=lambda: now[0])

    with pytest.raises(ExceptionGroup, match=str(asked[0])) as told:
        await loop.run_once()
    assert told.group_contains(Poison)
    assert (await loop.run_once()).worked == len(others) - (rights.MOST - 1)
    assert part.asked == [poisoned, *others]
    async with worker.transaction() as tx:
        states = [await right_state(tx, tenant, each) for each in asked]
    assert ["intake" in state.waiting for state in states] == [True] + [False] * len(others)
    assert states[0].counts == {}

    now[0] = FIRST_REST
    with pytest.raises(ExceptionGroup):
        await loop.run_once()
    now[0] = 2 * FIRST_REST
    assert (await loop.run_once()).worked == 0
    now[0] = 3 * FIRST_REST
    with pytest.raises(ExceptionGroup):
        await loop.run_once()
    assert part.asked.count(poisoned) == 3
