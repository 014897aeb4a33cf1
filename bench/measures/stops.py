"""A STOP under the full load: from its webhook to the answer that makes it binding."""

import asyncio
import time
from contextlib import AbstractAsyncContextManager
from itertools import cycle

import aiohttp

from counting import percentile
from followup_database import new_id
from followup_testkit.twilio.server import sign
from ground import Ground
from house import AUTH_TOKEN, OWN_NUMBER
from progress import log
from scene import Scene, scene

TOUCHES, RATE, PAUSE = 15_000, 20, 0.1
_OPEN = "SELECT count(*) FROM scheduler.touches WHERE state IN ('planned', 'commanded')"


async def measure(ground: Ground) -> dict[str, object]:
    """`stop_ack_p50_ms`, `stop_ack_p99_ms`: 20 a second while a backlog is being sent."""
    async with scene(ground, "stops") as stage:
        await stage.arm(ground.scaled(TOUCHES))
        await stage.quiet()
        await stage.make_due()
        waits = await _stop_people(stage)
    log(f"{len(waits)} STOPs under load")
    return {
        "stop_ack_p50_ms": percentile(waits, 0.50),
        "stop_ack_p95_ms": percentile(waits, 0.95),
        "stop_ack_p99_ms": percentile(waits, 0.99),
        "stop_percentiles_ms": {
            str(share): percentile(waits, share / 100) for share in (5, 25, 50, 75, 90, 95, 99)
        },
    }


async def _stop_people(stage: Scene) -> list[float]:
    """Milliseconds of each acknowledgement, for as long as there is something to send."""
    account = stage.house.clients[0].account_id
    url = f"{stage.fleet.urls['replies']}/hooks/twilio/{account}/inbound"
    waits: list[float] = []
    async with aiohttp.ClientSession() as light:

        async def stop(phone: str) -> None:
            form = {
                "MessageSid": f"SM{new_id().hex}",
                "From": phone,
                "To": OWN_NUMBER,
                "Body": "STOP",
                "NumMedia": "0",
            }
            headers = {"X-Twilio-Signature": sign(AUTH_TOKEN, url, form)}
            begin = time.perf_counter()
            while await _put_off(light.post(url, data=form, headers=headers)):
                await asyncio.sleep(PAUSE)  # as a vendor comes again; its clock runs on
            waits.append((time.perf_counter() - begin) * 1000)

        sending = asyncio.create_task(_until_sent(stage))
        stops, begin = [], time.perf_counter()
        # Everywhere in the backlog: some are sent already, some claimed, some wait.
        every = max(1, len(stage.house.phones) // 700)
        for number, phone in enumerate(cycle(stage.house.phones[::every])):
            stops.append(asyncio.create_task(stop(phone)))
            left = begin + (number + 1) / RATE - time.perf_counter()
            if (await asyncio.wait([sending], timeout=max(0.0, left)))[0]:
                break
        await asyncio.gather(sending, *stops)
    return waits


async def _put_off(asking: AbstractAsyncContextManager[aiohttp.ClientResponse]) -> bool:
    """Whether we were too busy to take it."""
    async with asking as answer:
        if answer.status == 503:
            return True
        answer.raise_for_status()
    return False


async def _until_sent(stage: Scene) -> None:
    while await stage.count(_OPEN):
        await asyncio.sleep(0.2)
