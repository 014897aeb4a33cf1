"""Speed to lead: from a lead over HTTP to its request at the provider, at 100 leads a second."""

import asyncio
import time

import aiohttp

from counting import percentile
from ground import Ground
from scene import Scene, bearer, scene

RATE, SECONDS, WARM = 100, 20, 200
PAUSE = 0.1


async def measure(ground: Ground) -> dict[str, object]:
    """`lead_p50_ms`, `lead_p95_ms`, `lead_p99_ms`."""
    async with scene(ground, "lead") as stage:
        await stage.publish(after="0m")
        waits = await speed(stage, RATE * ground.scaled(SECONDS))
    return {
        "lead_p50_ms": percentile(waits, 0.50),
        "lead_p95_ms": percentile(waits, 0.95),
        "lead_p99_ms": percentile(waits, 0.99),
        "lead_percentiles_ms": {
            str(share): percentile(waits, share / 100) for share in (5, 25, 50, 75, 90, 95, 99)
        },
    }


async def speed(stage: Scene, count: int) -> list[float]:
    """Milliseconds from posting a lead to its request at the provider, each lead's own."""
    bodies = stage.house.leads(WARM + count)
    posted: dict[str, float] = {}
    url = f"{stage.fleet.urls['intake']}/v1/leads"
    # The client shares the machine with what it measures: the lightest there is.
    async with aiohttp.ClientSession(headers=bearer(stage.house.clients[0])) as light:

        async def post(body: dict[str, object]) -> None:
            posted[str(body["phone"])] = time.time()
            while await _refused(light, url, body):  # its clock runs on
                await asyncio.sleep(PAUSE)

        tasks, begin = [], time.perf_counter()
        for number, body in enumerate(bodies):
            await asyncio.sleep(max(0.0, begin + number / RATE - time.perf_counter()))
            tasks.append(asyncio.create_task(post(body)))
        await asyncio.gather(*tasks)
    await stage.sent(len(bodies))
    arrivals = await stage.arrivals()
    measured = [str(body["phone"]) for body in bodies[WARM:]]
    return [(arrivals[phone] - posted[phone]) * 1000 for phone in measured]


async def _refused(light: aiohttp.ClientSession, url: str, body: dict[str, object]) -> bool:
    """Whether intake was too busy to take a lead."""
    async with light.post(url, json=body) as answer:
        if answer.status == 503:
            return True
        answer.raise_for_status()
    return False
