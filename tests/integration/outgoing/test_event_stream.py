"""Events as a stream: from where a reader was cut off, until somebody ends it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from followup_directory import Principal, create_key, revoke_key
from followup_intake.outgoing.log import last_number
from followup_intake.outgoing.stream import OF_ONE_KEY, Reading, Streams
from followup_runtime import process
from followup_testkit.waiting import until

ACCEPT = {"Accept": "text/event-stream"}


@asynccontextmanager
async def serving(house: Any, stop: asyncio.Event | None = None) -> AsyncIterator[str]:
    """A replica behind its real server, with its loops; its address."""
    stop, ready = stop or asyncio.Event(), asyncio.Event()
    replica = house.replicas[0]
    listener = process.listen("127.0.0.1", 0)
    url = process.base_url(listener)
    work = process.run(
        [replica.service],
        replica.app,
        listener=listener,
        stop=stop,
        on_ready=lambda _: ready.set(),
    )
    task = asyncio.create_task(work)
    await ready.wait()
    try:
        yield url
    finally:
        stop.set()
        assert await task == 0


class Reader:
    """An open stream, read part by part."""

    def __init__(self, answer: httpx.Response) -> None:
        self._lines = answer.aiter_lines()

    async def part(self) -> dict[str, str]:
        """The next event: its fields."""
        fields: dict[str, str] = {}
        async for line in self._lines:
            if not line and "id" in fields:
                return fields
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
        raise EOFError

    async def rest(self) -> list[str]:
        """What still comes until the stream ends."""
        return [line async for line in self._lines]


@asynccontextmanager
async def reading(
    house: Any, url: str, *, token: str | None = None, **headers: str
) -> AsyncIterator[Reader]:
    given = {"Authorization": f"Bearer {token or house.token}"} | ACCEPT | headers
    async with (
        httpx.AsyncClient(base_url=url, timeout=60.0) as client,
        client.stream("GET", "/v1/events", headers=given) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Reader(answer)


async def test_events_come_as_they_happen_and_go_on_where_one_was_cut_off(house):
    """The number is the id; who comes again with the last one misses nothing, twice nothing."""
    async with serving(house) as url:
        async with reading(house, url) as reader:
            await house.lead(1, need="a roof")
            first = await reader.part()
        body = json.loads(first["data"])
        assert (first["id"], first["event"]) == ("1", "followup.lead.captured.v1")
        assert body["data"]["lead"]["need"] == "a roof"
        for number in range(2, 5):
            await house.lead(number)
        async with reading(house, url, **{"Last-Event-ID": first["id"]}) as reader:
            later = [await reader.part() for _ in range(3)]
        assert [each["id"] for each in later] == ["2", "3", "4"]


async def test_a_stream_without_a_number_begins_now(house):
    """What happened before is in pages, or behind a number."""
    await house.ask("GET", "/v1/events")
    await house.lead(1)
    await house.replicas[0].distribute()
    async with serving(house) as url, reading(house, url) as reader:
        await house.lead(2)
        assert (await reader.part())["id"] == "2"


async def test_the_same_events_come_in_pages(house):
    """`next` is the cursor of what follows; the number of any event is one, too."""
    await house.ask("GET", "/v1/events")
    for number in range(1, 6):
        await house.lead(number)
    await house.replicas[0].distribute()
    seen, path = [], "/v1/events?limit=2"
    while True:
        page = (await house.ask("GET", path)).json()
        seen.append([each["sequence"] for each in page["items"]])
        if page["next"] is None:
            break
        path = f"/v1/events?limit=2&cursor={page['next']}"
    assert seen == [[1, 2], [3, 4], [5]]
    behind = (await house.ask("GET", "/v1/events?cursor=5")).json()
    assert behind == {"items": [], "next": None}


async def test_a_drain_ends_streams_at_once(house):
    """The process need not wait for whoever listens."""
    stop = asyncio.Event()
    async with serving(house, stop) as url, reading(house, url) as reader:
        stop.set()
        assert await reader.rest() is not None


async def test_a_key_has_so_many_streams_and_no_more(house):
    """One more is refused, until one of them has ended."""
    async with serving(house) as url, httpx.AsyncClient(base_url=url, timeout=60.0) as client:
        headers = {"Authorization": f"Bearer {house.token}"} | ACCEPT
        held = [client.stream("GET", "/v1/events", headers=headers) for _ in range(OF_ONE_KEY)]
        for each in held:
            assert (await each.__aenter__()).status_code == 200
        refused = await client.get("/v1/events", headers=headers)
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "30"
        page = await client.get("/v1/events", headers={"Authorization": f"Bearer {house.token}"})
        assert page.status_code == 200
        for each in held:
            await each.__aexit__(None, None, None)

        async def opens() -> bool:
            async with client.stream("GET", "/v1/events", headers=headers) as answer:
                return answer.status_code == 200

        await until(opens)


async def test_a_stream_ends_with_its_key(house):
    """Between events a comment keeps it alive, as long as its key is good."""
    async with house.databases.worker.transaction() as tx:
        key = await create_key(tx, house.tenant.id, "k", scopes=("events:read",))
    good = True

    async def still() -> bool:
        return good

    streams = Streams(house.databases.api, heartbeat=0.0)
    who = Principal(house.tenant.id, key.id, frozenset({"events:read"}), None)
    answer = streams.opened(who, Reading(0, whole=True, good=still))
    parts = aiter(answer.body_iterator)
    assert await anext(parts) == b"retry: 2000\n\n"
    assert (await anext(parts)).startswith(b":")
    good = False
    with pytest.raises(StopAsyncIteration):
        await anext(parts)


async def test_a_revoked_key_opens_no_stream(house):
    """As with every other route."""
    async with house.databases.worker.transaction() as tx:
        key = await create_key(tx, house.tenant.id, "k", scopes=("events:read",))
        await revoke_key(tx, house.tenant.id, key.id)
    answer = await house.ask("GET", "/v1/events", token=key.token, headers=ACCEPT)
    assert answer.status_code == 401


@pytest.mark.parametrize("given", ["-1", "1.5", "x", "99999999999999999999", "²"])
async def test_a_last_event_id_that_is_none_is_refused(house, given):
    """With a pointer to the header; nothing is guessed."""
    headers = {"Last-Event-ID": given.encode()}
    answer = await house.ask("GET", "/v1/events", headers=headers)
    assert answer.status_code == 422
    assert "Last-Event-ID" in answer.text
    async with house.databases.worker.transaction() as tx:
        assert await last_number(tx, house.tenant.id) == 0
