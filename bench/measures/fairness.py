"""What one tenant's import, or one tenant's hanging provider, costs another tenant."""

import asyncio
import time
from collections.abc import Collection, Iterator

import aiohttp
from sqlalchemy import text

from counting import percentile, steady_rate
from ground import Ground
from house import Client
from progress import log
from scene import Scene, bearer, ndjson, scene

IMPORTED, CHUNK = 100_000, 5_000
RATE, QUIET = 10, 15
"""Leads of the other tenant a second, and seconds of them before the import begins."""
BESIDE = 120
"""Seconds of them from its beginning: it need not be through by then."""
TOUCHES = 4_000
HANGS = 3_600.0
PAUSE = 0.1


async def measure(ground: Ground) -> dict[str, object]:
    """`fairness_delay_p99_ms`, `fairness_hanging_ratio`: what a neighbour costs.

    The first: the 99th hundredth of lead to request beside an import of 100,000, less
    the median of the same without it. The second: touches per second beside an account
    whose provider answers nothing, to those without.
    """
    return await _beside_an_import(ground) | await _beside_a_hanging_account(ground)


async def _beside_an_import(ground: Ground) -> dict[str, object]:
    async with scene(ground, "fairness", tenants=2) as stage:
        big, small = stage.house.clients
        await stage.publish(after="0m")
        # Written before anything is timed: the other tenant's client is in this process too.
        batches = list(_batches(stage, ground.scaled(IMPORTED)))
        posted: dict[str, float] = {}
        over = asyncio.Event()
        posting = asyncio.create_task(_post(stage, small, posted, over))
        await asyncio.sleep(QUIET)
        begin = time.time()
        for batch in batches:
            await stage.post_lines(batch, big)
        taken = time.time() - begin
        while time.time() < begin + BESIDE and await _left(stage, big):
            await asyncio.sleep(1)
        end, left = time.time(), await _left(stage, big)
        over.set()
        await posting
        arrivals = await _all_of(stage, posted)
    waits = {phone: (arrivals[phone] - at) * 1000 for phone, at in posted.items()}
    quiet = [waits[phone] for phone, at in posted.items() if at < begin - 1][RATE:]
    beside = [waits[phone] for phone, at in posted.items() if begin <= at < end]
    log(f"imported in {taken:.0f} s; {left} to send after {end - begin:.0f} s")
    log(f"{len(beside)} leads of the other tenant meanwhile")
    return {
        "fairness_delay_p99_ms": round(percentile(beside, 0.99) - percentile(quiet, 0.5), 1),
        "fairness_lead_ms": {
            "quiet_p50": percentile(quiet, 0.5),
            "quiet_p99": percentile(quiet, 0.99),
            "beside_p50": percentile(beside, 0.5),
            "beside_p99": percentile(beside, 0.99),
        },
    }


async def _post(
    stage: Scene, client: Client, posted: dict[str, float], over: asyncio.Event
) -> None:
    """Post leads evenly until it is over; `posted` is when each was first sent."""
    url = f"{stage.fleet.urls['intake']}/v1/leads"
    async with aiohttp.ClientSession(headers=bearer(client)) as light, asyncio.TaskGroup() as group:

        async def post(body: dict[str, object]) -> None:
            posted[str(body["phone"])] = time.time()
            while not await _taken(light, url, body):
                await asyncio.sleep(PAUSE)

        begin, number = time.perf_counter(), 0
        while not over.is_set():
            await asyncio.sleep(max(0.0, begin + number / RATE - time.perf_counter()))
            (body,) = stage.house.leads(1)
            group.create_task(post(body))
            number += 1


async def _taken(light: aiohttp.ClientSession, url: str, body: dict[str, object]) -> bool:
    """Whether intake took a lead, or was too busy."""
    async with light.post(url, json=body) as answer:
        if answer.status == 503:
            return False
        answer.raise_for_status()
    return True


def _batches(stage: Scene, count: int) -> Iterator[bytes]:
    """Leads for lane `later`, a few thousand a request."""
    for start in range(0, count, CHUNK):
        yield ndjson(stage.house.leads(min(CHUNK, count - start)))


async def _left(stage: Scene, client: Client) -> int:
    """Leads of a tenant that have not been texted, as far as they are enrolled."""
    return await stage.count(
        "SELECT count(*) FROM scheduler.touches WHERE state <> 'sent'"
        f" AND tenant_id = '{client.tenant_id}'"
    )


async def _all_of(stage: Scene, phones: Collection[str]) -> dict[str, float]:
    """When the provider was asked for each of these, once it has been asked for all."""
    while set(phones) - (found := await stage.arrivals()).keys():
        await asyncio.sleep(PAUSE)
    return found


async def _beside_a_hanging_account(ground: Ground) -> dict[str, object]:
    count = ground.scaled(TOUCHES)
    async with scene(ground, "hanging", tenants=2) as stage:
        stuck, free = stage.house.clients
        await _hang(stage, stuck)
        rates = []
        for beside in (False, False, True):  # the first warms everything up
            before = set(await stage.arrivals())
            await _arm(stage, free, count)
            if beside:
                await _arm(stage, stuck, count)
            await stage.make_due()
            mine = (
                "SELECT count(*) FROM scheduler.touches WHERE state = 'sent'"
                f" AND tenant_id = '{free.tenant_id}'"
            )
            await stage.reached(mine, len(before) + count)
            arrived = await stage.arrivals()
            rates.append(steady_rate({k: v for k, v in arrived.items() if k not in before}))
            log(f"{'beside' if beside else 'without'} a hanging account: {rates[-1]:.0f}/s")
    _, alone, beside_it = rates
    return {
        "fairness_hanging_ratio": round(beside_it / alone, 3),
        "fairness_hanging_per_s": {"alone": round(alone, 1), "beside": round(beside_it, 1)},
    }


async def _arm(stage: Scene, client: Client, count: int) -> None:
    await stage.publish(after="30d")
    armed = (
        "SELECT count(*) FROM scheduler.timers WHERE kind = 'touch'"
        f" AND tenant_id = '{client.tenant_id}'"
    )
    before = await stage.count(armed)
    await stage.post_batch(stage.house.leads(count), client)
    await stage.reached(armed, before + count)


async def _hang(stage: Scene, client: Client) -> None:
    """Have a tenant's account point at a provider that answers nothing."""
    url = stage.fleet.stub(seconds=HANGS, name="hanging")
    async with stage.engine.begin() as connection:
        await connection.execute(
            text(
                "UPDATE directory.accounts SET changed_at = clock_timestamp(),"
                " settings = settings || jsonb_build_object('base_url', CAST(:url AS text))"
                " WHERE tenant_id = :tenant"
            ),
            {"url": url, "tenant": client.tenant_id},
        )
