import asyncio
from collections.abc import Sequence
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from followup_messaging.inprocess import InProcessBus
from followup_messaging.port import Fate, Outgoing
from followup_messaging.relay import LATER_BATCH, LATER_FLYING, WAITING_LIMIT, Parcel, Relay
from followup_messaging.turns import Turns
from followup_testkit.waiting import until

BIG, SMALL = UUID(int=1), UUID(int=2)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 5)), max_size=60))
def test_everybody_has_the_next_turn_after_all_others(steps):
    """Nothing is lost, nobody's own order changes, and no owner goes twice before another."""
    turns: Turns[tuple[int, int]] = Turns()
    added: dict[int, list[tuple[int, int]]] = {}
    for number, (owner, count) in enumerate(steps):
        for each in range(count):
            turns.add(owner, (owner, number * 10 + each))
            added.setdefault(owner, []).append((owner, number * 10 + each))
    assert len(turns) == sum(map(len, added.values()))
    taken = turns.take(len(turns))
    assert len(turns) == 0
    for owner, items in added.items():
        assert [item for item in taken if item[0] == owner] == items
    left = {owner: len(items) for owner, items in added.items()}
    while taken:
        size = sum(count > 0 for count in left.values())
        turn, taken = taken[:size], taken[size:]
        assert len({owner for owner, _ in turn}) == size
        for owner, _ in turn:
            left[owner] -= 1


class SlowBus(InProcessBus):
    """Keeps the order in which messages came, and confirms none until told to."""

    def __init__(self) -> None:
        super().__init__()
        self.came: list[Outgoing] = []
        self.open = asyncio.Event()

    async def publish(self, messages: Sequence[Outgoing]) -> Sequence[Fate]:
        self.came.extend(messages)
        await self.open.wait()
        return [Fate.CONFIRMED] * len(messages)


def parcels(tenant: UUID, count: int, *, lane: str) -> list[Parcel]:
    """Commands of a tenant and lane."""
    return [
        Parcel(
            Outgoing(uuid4(), "followup.events", f"lead.captured.v1.{lane}", b"{}"),
            tenant,
            stored=False,
            awaited=False,
        )
        for _ in range(count)
    ]


async def test_an_import_holds_up_nobody_elses_lead(databases):
    """A flood of lane `later` leaves room in memory and on the wire for what is urgent."""
    bus = SlowBus()
    relay, stop = Relay("intake", bus, databases.worker), asyncio.Event()
    running = asyncio.create_task(relay.run(stop))
    relay.hand_over(parcels(BIG, WAITING_LIMIT + 1000, lane="later"))
    await until(lambda: len(bus.came) >= LATER_BATCH * LATER_FLYING, what="the wire is full")
    (lead,) = parcels(SMALL, 1, lane="now")
    relay.hand_over([lead])
    await until(lambda: lead.outgoing in bus.came, what="the lead is on the wire")
    assert len(bus.came) == LATER_BATCH * LATER_FLYING + 1
    assert relay.counts["overflow"] == 1000

    bus.open.set()
    (theirs,) = parcels(SMALL, 1, lane="later")
    relay.hand_over([theirs])
    await until(lambda: theirs.outgoing in bus.came, what="theirs is on the wire")
    assert bus.came.index(theirs.outgoing) <= LATER_BATCH * LATER_FLYING * 2 + 1
    stop.set()
    await running
    assert len(bus.came) == WAITING_LIMIT + 2
