"""Speed to lead: from a lead over HTTP to its request at the provider, at 100 leads a second."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import aiohttp
from sqlalchemy import text

from counting import percentile
from cpu import per_item
from ground import Ground
from scene import Scene, bearer, scene

RATE, SECONDS, WARM = 100, 20, 200
PAUSE = 0.1

# When the scheduler stamped a lead's command, and when the dispatcher claimed it.
_STAMPS = text("""
    SELECT c.match_key AS phone, extract(epoch FROM t.commanded_at)::float AS commanded,
           extract(epoch FROM a.claimed_on)::float AS claimed
      FROM people.leads l
      JOIN people.contact_points c ON c.person_id = l.person_id AND c.kind = 'phone'
      JOIN scheduler.touches t ON t.lead_id = l.id
      JOIN dispatcher.attempts a ON a.touch_id = t.id
""")


@dataclass(frozen=True, slots=True)
class Way:
    """One lead's moments, in milliseconds from its posting."""

    answered: float
    commanded: float
    claimed: float
    requested: float


async def measure(ground: Ground) -> dict[str, object]:
    """`lead_p50_ms`, `lead_p95_ms`, `lead_p99_ms`, and on what the time and processor go."""
    async with scene(ground, "lead") as stage:
        await stage.publish(after="0m")
        ways, spent = await speed(stage, RATE * ground.scaled(SECONDS))
    waits = [way.requested for way in ways]
    return {
        "lead_p50_ms": percentile(waits, 0.50),
        "lead_p95_ms": percentile(waits, 0.95),
        "lead_p99_ms": percentile(waits, 0.99),
        "lead_percentiles_ms": {
            str(share): percentile(waits, share / 100) for share in (5, 25, 50, 75, 90, 95, 99)
        },
        "lead_reached_p50_ms": {
            moment: percentile([getattr(way, moment) for way in ways], 0.5)
            for moment in Way.__slots__
        },
        "lead_cpu_ms": dict(spent),
    }


async def speed(stage: Scene, count: int) -> tuple[list[Way], Mapping[str, float]]:
    """How each lead went, and processor milliseconds a lead by process."""
    warm, bodies = stage.house.leads(WARM), stage.house.leads(count)
    await _post(stage, warm)
    await stage.sent(len(warm))
    before = stage.meter.read()
    posted, answered = await _post(stage, bodies)
    await stage.sent(len(warm) + count)
    spent = per_item(before, stage.meter.read(), count)
    arrivals = await stage.arrivals()
    async with stage.engine.connect() as connection:
        stamps = {row.phone: row for row in await connection.execute(_STAMPS)}
    ways = []
    for phone, at in posted.items():
        reached = (answered[phone], stamps[phone].commanded, stamps[phone].claimed, arrivals[phone])
        ways.append(Way(*((moment - at) * 1000 for moment in reached)))
    return ways, spent


async def _post(
    stage: Scene, bodies: Sequence[dict[str, object]]
) -> tuple[dict[str, float], dict[str, float]]:
    """Post leads evenly; by number when each was posted, and when it was answered."""
    posted: dict[str, float] = {}
    answered: dict[str, float] = {}
    url = f"{stage.fleet.urls['intake']}/v1/leads"
    # The client shares the machine with what it measures: the lightest there is.
    async with aiohttp.ClientSession(headers=bearer(stage.house.clients[0])) as light:

        async def post(body: dict[str, object]) -> None:
            posted[str(body["phone"])] = time.time()
            while await _refused(light, url, body):  # its clock runs on
                await asyncio.sleep(PAUSE)
            answered[str(body["phone"])] = time.time()

        tasks, begin = [], time.perf_counter()
        for number, body in enumerate(bodies):
            await asyncio.sleep(max(0.0, begin + number / RATE - time.perf_counter()))
            tasks.append(asyncio.create_task(post(body)))
        await asyncio.gather(*tasks)
    return posted, answered


async def _refused(light: aiohttp.ClientSession, url: str, body: dict[str, object]) -> bool:
    """Whether intake was too busy to take a lead."""
    async with light.post(url, json=body) as answer:
        if answer.status == 503:
            return True
        answer.raise_for_status()
    return False
