"""What one tenant's product does with its calls and streams is no other's trouble."""

import pytest
from receiver import Receiver

from followup_directory import Principal, create_key
from followup_intake.outgoing.courier import EACH, OF_ONE_TENANT
from followup_intake.outgoing.stream import Reading, Streams
from followup_testkit.waiting import until


async def test_a_tenant_s_slow_endpoints_leave_calls_to_others(house):
    """As many as could take every call of a process, and another tenant's event arrives."""
    receiver: Receiver = house.receiver
    for number in range(8):
        receiver.silent.add(f"/slow{number}")
        await house.endpoint(f"/slow{number}")
    body = {"url": f"{receiver.url}/other"}
    await house.ask("POST", "/v1/endpoints", json=body, token=house.other_token)
    for number in range(1, EACH + 1):
        await house.lead(number)
    replica = house.replicas[0]
    await replica.distribute()
    while (await replica.courier.run_once()).worked:
        pass
    await until(lambda: len(receiver.heard) == OF_ONE_TENANT)
    lead = {"first_name": "Bo", "phone": "(212) 555-0177", "country": "US"}
    await house.ask("POST", "/v1/leads", json=lead, token=house.other_token)
    await replica.distribute()

    async def arrived() -> bool:
        await replica.courier.run_once()
        return bool(receiver.at("/other"))

    await until(arrived)
    receiver.let_go.set()
    await replica.courier.finish(within=10)
    await replica.deliver()
    assert len(receiver.heard) == 8 * EACH + 1


async def test_a_stream_ends_with_its_key_however_much_there_is_to_tell(house):
    """A revoked key is noticed between events, too."""
    async with house.databases.worker.transaction() as tx:
        key = await create_key(tx, house.tenant.id, "k", scopes=("events:read",))
    now, good = 0.0, True

    async def still() -> bool:
        return good

    await house.ask("GET", "/v1/events")
    streams = Streams(house.databases.api, monotonic=lambda: now)
    who = Principal(house.tenant.id, key.id, frozenset({"events:read"}), None)
    parts = aiter(streams.opened(who, Reading(0, whole=True, good=still)).body_iterator)
    assert await anext(parts) == b"retry: 2000\n\n"
    for number, at in ((1, 0.0), (2, 20.0)):
        now = at
        await house.lead(number)
        await house.replicas[0].distribute()
        assert (await anext(parts)).startswith(b"id: %d\n" % number)
    await house.lead(3)
    await house.replicas[0].distribute()
    now, good = 40.0, False
    with pytest.raises(StopAsyncIteration):
        await anext(parts)
