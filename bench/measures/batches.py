"""Throughput against batch size: the full path, and the raw pipeline beside it."""

from collections.abc import Mapping

from ground import Ground
from measures.pipelines import full, raw
from progress import log
from scene import scene

CALLS = (16, 64, 256)
RAW_BATCHES = (1, 4, 16, 64, 256)
FULL_COUNT, RAW_COUNT = 3_000, 6_000


async def measure(ground: Ground) -> dict[str, object]:
    """`throughput_by_batch`: a dispatcher's batch is a quarter of its calls, 64 at most."""
    points: list[dict[str, object]] = []
    count = ground.scaled(FULL_COUNT)
    async with scene(ground, "batches", services=("intake", "scheduler", "replies")) as stage:
        await stage.arm(count * len(CALLS))
        await stage.quiet()
        for turn, calls in enumerate(CALLS, 1):
            stage.fleet.dispatcher(calls=calls)
            log(f"{calls} calls at once, batches of {calls // 4}")
            run = await full(stage, count, until=count * turn)
            points.append(_point("full", calls // 4, run.per_s, run.spent))
            stage.fleet.stop("dispatcher")
    for batch in RAW_BATCHES:
        run = await raw(ground, count=RAW_COUNT, batch=batch)
        points.append(_point("raw", batch, run.per_s, run.spent))
    return {"throughput_by_batch": points}


def _point(
    pipeline: str, batch: int, per_s: float, spent: Mapping[str, float]
) -> dict[str, object]:
    return {
        "pipeline": pipeline,
        "batch": batch,
        "per_s": round(per_s, 1),
        "cpu_ms_per_touch": spent["all"],
    }
