"""The full path against the raw pipeline and Celery, all in one run."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import pairwise
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
COUNT, RAW_BATCH = 20_000, 256
TURNS = 3
TENANTS = 4
"""One account holds at most a quarter of a dispatcher's calls."""


@dataclass(frozen=True)
class Throughput:
    """Touches per second of one run, and milliseconds of processor a touch by process."""

    per_s: float
    spent: dict[str, float]


async def measure(ground: Ground) -> dict[str, object]:
    """`full_to_raw`, `full_to_celery` and what they are made of.

    Raw and full take turns, as many touches each, and every full run is compared with the
    raw ones on both sides of it: a machine's speed drifts. Of the ratios the middle counts.
    """
    celeries = [await rate(ground, CELERY)]
    async with scene(ground, "pipelines", tenants=TENANTS) as stage:
        raws, fulls = await in_turns(stage)
        memory = stage.fleet.peak_memory_mb()
    celeries.append(await rate(ground, CELERY))
    beside = [(a.per_s + b.per_s) / 2 for a, b in pairwise(raws)]
    ratios = [full.per_s / raw for full, raw in zip(fulls, beside, strict=True)]
    raw_per_s, full_per_s = median([r.per_s for r in raws]), median([f.per_s for f in fulls])
    celery_per_s = median(celeries)
    raw_spent, full_spent = _middle(raws), _middle(fulls)
    return {
        "full_to_raw": round(median(ratios), 3),
        "full_to_celery": round(full_per_s / celery_per_s, 2),
        "full_to_raw_by_processor": round(raw_spent["all"] / full_spent["all"], 3),
        "raw_to_celery": round(raw_per_s / celery_per_s, 2),
        "raw_per_s": round(raw_per_s, 1),
        "full_per_s": round(full_per_s, 1),
        "celery_per_s": round(celery_per_s, 1),
        "full_cpu_ms_per_touch": full_spent,
        "raw_cpu_ms_per_touch": raw_spent,
        "memory_mb": {name: held for name, held in memory.items() if name != "stub"},
    }


async def in_turns(stage: Scene) -> tuple[list[Throughput], list[Throughput]]:
    """Raw runs, and full ones between them; each has the machine to itself."""
    count = stage.ground.scaled(COUNT)
    await stage.arm(count * TURNS)
    log(f"{count * TURNS} timers armed")
    raws: list[Throughput] = []
    fulls: list[Throughput] = []
    for turn in range(1, TURNS + 1):
        raws.append(await raw_beside(stage))
        fulls.append(await full(stage, count, until=count * turn))
    raws.append(await raw_beside(stage))
    return raws, fulls


async def raw_beside(stage: Scene) -> Throughput:
    """A run of the raw pipeline while the services stand still, and owe nothing.

    Events are swept half a minute after they left, and tables vacuumed after that: neither
    is to be paid by the next run.
    """
    await stage.quiet()
    await stage.vacuum()
    return await raw(stage.ground, alone=stage.fleet.still)


async def raw(
    ground: Ground,
    *,
    count: int = COUNT,
    batch: int = RAW_BATCH,
    alone: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Throughput:
    """One run of the hand-written pipeline; `alone` keeps others still while it is timed."""
    database = await ground.database("bench_raw")
    amqp, count = ground.broker.url, ground.scaled(count)
    fleet = Fleet({}, ground.reaper)
    stub = fleet.stub()
    meter = Meter(fleet.pids(), ground.folder / "postgres")
    try:
        await _run_raw("fill", amqp, str(count))
        with alone():
            before = meter.read()
            printed = await _run_raw("work", amqp, str(count), database, stub, str(batch))
            spent = per_item(before, meter.read(), count)
    finally:
        fleet.stop()
        await ground.drop("bench_raw")
    per_s, own = (float(part) for part in printed.split())
    spent |= {"raw": own, "all": round(spent["all"] + own, 3)}
    log(f"raw in batches of {batch}: {per_s:.0f}/s, ms of processor a touch: {spent}")
    return Throughput(per_s, spent)


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


async def full(stage: Scene, count: int, *, until: int) -> Throughput:
    """One run of the full path: from so many due timers to the scheduler's record of each.

    It is over when `until` touches have been sent in this scene.
    """
    await stage.make_due(most=count)
    before = stage.meter.read()
    begin = time.perf_counter()
    await stage.sent(until)
    per_s = count / (time.perf_counter() - begin)
    spent = per_item(before, stage.meter.read(), count)
    log(f"full path: {per_s:.0f}/s, ms of processor a touch: {spent}")
    return Throughput(per_s, spent)


def _middle(runs: Sequence[Throughput]) -> dict[str, float]:
    """What the run in the middle has spent, by what it cost in all; of two the cheaper."""
    return sorted((run.spent for run in runs), key=itemgetter("all"))[(len(runs) - 1) // 2]
