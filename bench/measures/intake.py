"""Intake: leads per second into the database, as NDJSON and one by one."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from ground import Ground
from progress import log
from scene import PATIENCE, SERVICES, Scene, scene

POSTER = Path(__file__).resolve().parent.parent / "poster.py"
BATCH, POSTS, CONNECTIONS = 20_000, 6_000, 16
AGAIN = 10
"""Every so many leads one is of a person who is known already."""


async def measure(ground: Ground) -> dict[str, object]:
    """`ndjson_leads_per_s`, `post_leads_per_s`: intake at work; then with all services beside it.

    Beside it, scheduler and dispatcher enroll the leads and text them from the same two
    cores.
    """
    figures = await _measure(ground, ("intake",))
    beside = await _measure(ground, SERVICES)
    return figures | {f"{name}_with_fleet": value for name, value in beside.items()}


async def _measure(ground: Ground, services: Sequence[str]) -> dict[str, object]:
    async with scene(ground, "intake", services=services) as stage:
        if "scheduler" in services:
            await stage.publish(after="30d")
        ndjson = await _ndjson(stage, ground.scaled(BATCH))
        log(f"NDJSON with {len(services)} services: {ndjson:.0f}/s")
        posts = await _posts(stage, ground.scaled(POSTS))
        log(f"single POSTs with {len(services)} services: {posts}")
    return {
        "ndjson_leads_per_s": round(ndjson, 1),
        "post_leads_per_s": posts["per_s"],
        "post_ms": {"p50": posts["p50_ms"], "p99": posts["p99_ms"]},
    }


async def _ndjson(stage: Scene, count: int) -> float:
    client = stage.house.clients[0]
    await stage.post_batch(stage.house.leads(500), client)  # connections, plans, first pages
    leads = stage.house.leads(count)
    for number in range(AGAIN, count, AGAIN):
        leads[number] |= {"phone": leads[number - AGAIN // 2]["phone"], "source": "referral"}
    begin = time.perf_counter()
    await stage.post_batch(leads, client)
    return count / (time.perf_counter() - begin)


async def _posts(stage: Scene, count: int) -> dict[str, float]:
    address = urlsplit(stage.fleet.urls["intake"])
    bodies = "\n".join(json.dumps(lead) for lead in stage.house.leads(count))
    done = await asyncio.to_thread(
        subprocess.run,
        [
            *(sys.executable, str(POSTER), str(address.hostname), str(address.port)),
            *(stage.house.clients[0].token, str(CONNECTIONS)),
        ],
        input=bodies,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found
