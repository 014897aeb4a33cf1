"""Timers: lateness at 500 due a second with a million armed, and the scheduler's memory."""

import asyncio

from sqlalchemy import text

from armed import multiply
from ground import Ground
from progress import log
from scene import Scene, scene

ARMED, RATE, SECONDS = 1_000_000, 500, 20

_LATENESS = text("""
SELECT percentile_cont(CAST(:shares AS float8[])) WITHIN GROUP (
  ORDER BY extract(epoch FROM commanded_at - wanted_at) * 1000)
FROM scheduler.touches WHERE commanded_at IS NOT NULL
""")
SHARES = (0.05, 0.25, 0.50, 0.75, 0.90, 0.95, 0.99)


async def measure(ground: Ground) -> dict[str, object]:
    """`timer_lateness_p99_ms`, `scheduler_memory_mb`: all services at work, texts sent."""
    async with scene(ground, "timers") as stage:
        count = RATE * ground.scaled(SECONDS)
        await stage.arm(count)
        await _arm_more(stage, ground.scaled(ARMED))
        await stage.quiet()
        memory = [stage.fleet.memory_mb("scheduler")]
        await stage.make_due(per_second=RATE)
        watching = asyncio.create_task(_watch(stage, memory))
        await stage.sent(count)
        watching.cancel()
        late = await _lateness(stage)
        peak = stage.fleet.peak_memory_mb()["scheduler"]
    return {
        "timer_lateness_p50_ms": late["50"],
        "timer_lateness_p99_ms": late["99"],
        "timer_lateness_ms": late,
        "scheduler_memory_mb": peak,
        "scheduler_memory_grown_mb": round(memory[-1] - memory[0], 1),
    }


async def _arm_more(stage: Scene, count: int) -> None:
    async with stage.engine.begin() as connection:
        await multiply(connection, count)
    await stage.vacuum()
    log(f"{count} more armed")


async def _watch(stage: Scene, memory: list[float]) -> None:
    while True:
        await asyncio.sleep(1)
        memory.append(stage.fleet.memory_mb("scheduler"))


async def _lateness(stage: Scene) -> dict[str, float]:
    """Milliseconds between when a touch was due and when its command was committed."""
    async with stage.engine.connect() as connection:
        found = await connection.scalar(_LATENESS, {"shares": list(SHARES)})
    return {
        str(round(share * 100)): round(float(value), 1)
        for share, value in zip(SHARES, found, strict=True)
    }
