"""The full path against the raw pipeline and Celery, all in one run."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

from counting import median
from cpu import Meter, per_item
from fleet import Fleet
from ground import Ground
from measures.peers import CELERY, rate
from progress import log
from scene import PATIENCE, Scene, scene

RAW = Path(__file__).resolve().parent.parent / "raw.py"
RAW_COUNT, RAW_BATCH = 20_000, 256
FULL_COUNT, TURNS = 15_000, 3
TENANTS = 4
"""One account holds at most a quarter of a dispatcher's calls."""


async def measure(ground: Ground) -> dict[str, object]:
    """`full_to_raw`, `full_to_celery` and what they are made of.

    The raw pipeline and Celery run before the full path and after it: a machine's speed
    drifts.
    """
    celeries, raws = [await rate(ground, CELERY)], [await raw(ground) for _ in range(2)]
    async with scene(ground, "pipelines", tenants=TENANTS) as stage:
        fulls, spent = await full(stage, ground.scaled(FULL_COUNT))
        memory = stage.fleet.peak_memory_mb()
    raws += [await raw(ground) for _ in range(2)]
    celeries.append(await rate(ground, CELERY))
    raw_per_s, celery_per_s = median([run.per_s for run in raws]), median(celeries)
    full_per_s = median(fulls)
    raw_spent = _middle([run.spent for run in raws])
    return {
        "full_to_raw": round(full_per_s / raw_per_s, 3),
        "full_to_celery": round(full_per_s / celery_per_s, 2),
        "full_to_raw_by_processor": round(raw_spent["all"] / spent["all"], 3),
        "raw_to_celery": round(raw_per_s / celery_per_s, 2),
        "raw_per_s": round(raw_per_s, 1),
        "full_per_s": round(full_per_s, 1),
        "celery_per_s": round(celery_per_s, 1),
        "full_cpu_ms_per_touch": spent,
        "raw_cpu_ms_per_touch": raw_spent,
        "memory_mb": {name: held for name, held in memory.items() if name != "stub"},
    }


@dataclass(frozen=True)
class RawRun:
    """What the raw pipeline reached, and the processor time of one touch by process."""

    per_s: float
    spent: dict[str, float]


async def raw(ground: Ground, *, count: int = RAW_COUNT, batch: int = RAW_BATCH) -> RawRun:
    """One run of the hand-written pipeline."""
    database = await ground.database("bench_raw")
    amqp, count = ground.broker.url, ground.scaled(count)
    fleet = Fleet({}, ground.reaper)
    stub = fleet.stub()
    meter = Meter(fleet.pids(), ground.folder / "postgres")
    try:
        await _run_raw("fill", amqp, str(count))
        before = meter.read()
        printed = await _run_raw("work", amqp, str(count), database, stub, str(batch))
        spent = per_item(before, meter.read(), count)
    finally:
        fleet.stop()
        await ground.drop("bench_raw")
    per_s, own = (float(part) for part in printed.split())
    spent |= {"raw": own, "all": round(spent["all"] + own, 3)}
    log(f"raw in batches of {batch}: {per_s:.0f}/s, ms of processor a touch: {spent}")
    return RawRun(per_s, spent)


async def _run_raw(*arguments: str) -> str:
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, str(RAW), *arguments],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    return done.stdout


async def full(stage: Scene, count: int) -> tuple[list[float], dict[str, float]]:
    """Touches per second, each run's own, and the processor time of one touch.

    From due timers to the scheduler's record of the outcome. Events are swept half a
    minute after they left: not into the next run.
    """
    await stage.arm(count * TURNS)
    log(f"{count * TURNS} timers armed")
    rates, spent = [], []
    for turn in range(TURNS):
        await stage.quiet()
        await stage.make_due(most=count)
        before = stage.meter.read()
        begin = time.perf_counter()
        await stage.sent(count * (turn + 1))
        rates.append(count / (time.perf_counter() - begin))
        spent.append(per_item(before, stage.meter.read(), count))
        log(f"full path: {rates[-1]:.0f}/s, ms of processor a touch: {spent[-1]}")
    return rates, _middle(spent)


def _middle(spent: Sequence[dict[str, float]]) -> dict[str, float]:
    """The run in the middle by what it cost in all."""
    return sorted(spent, key=itemgetter("all"))[len(spent) // 2]
