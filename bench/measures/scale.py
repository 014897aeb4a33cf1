"""Dispatchers side by side: a provider that takes 150 ms a call, 16 calls at once each."""

import time

from counting import steady_rate
from ground import Ground
from progress import log
from scene import Scene, scene

CALL_SECONDS, CALLS = 0.150, 16
TENANTS = 4
"""One account holds at most a quarter of a dispatcher's calls, so four fill it."""
SECONDS = 12


async def measure(ground: Ground) -> dict[str, object]:
    """`scale_3_to_1`: sends per second of three dispatchers against one."""
    most = CALLS / CALL_SECONDS
    async with scene(
        ground,
        "scale",
        services=("intake", "scheduler", "replies"),
        tenants=TENANTS,
        stub_seconds=CALL_SECONDS,
    ) as stage:
        count = ground.scaled(int(most * SECONDS))
        await stage.arm(4 * count)
        await stage.quiet()
        stage.fleet.dispatcher(calls=CALLS)
        one = await _rate(stage, count)
        log(f"one dispatcher: {one:.0f}/s")
        for name in ("dispatcher-2", "dispatcher-3"):
            stage.fleet.dispatcher(calls=CALLS, name=name)
        three = await _rate(stage, 3 * count)
        log(f"three dispatchers: {three:.0f}/s")
    return {
        "scale_3_to_1": round(three / one, 2),
        "scale_one_per_s": round(one, 1),
        "scale_three_per_s": round(three, 1),
    }


async def _rate(stage: Scene, count: int) -> float:
    before = await stage.count("SELECT count(*) FROM scheduler.touches WHERE state = 'sent'")
    begin = time.time()
    await stage.make_due(most=count)
    await stage.sent(before + count)
    arrivals = await stage.arrivals()
    return steady_rate({number: at for number, at in arrivals.items() if at >= begin})
