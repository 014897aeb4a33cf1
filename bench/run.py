"""`make bench`: measure, print a table, write .followup/bench.json, draw the pictures.

    make bench                    everything, about twenty minutes
    make bench PART=full          one part (several: PART="full lead")
    make bench PART=claims SIZE=0.1   a tenth of everything, to try something out

Only a run of everything at full size writes .followup/bench.json, the pictures under
docs/performance and the tables of docs/performance.md; others write
.followup/bench.part.json. Nothing here asserts a time.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import page
from ground import Ground
from measures import (
    batches,
    claims,
    fairness,
    intake,
    lead,
    peers,
    pipelines,
    scale,
    statements,
    stops,
    timers,
)
from pictures import draw
from progress import console, log
from report import show

ROOT = Path(__file__).resolve().parent.parent
PARTS: dict[str, Callable[[Ground], Awaitable[dict[str, object]]]] = {
    "full": pipelines.measure,
    "peers": peers.measure,
    "lead": lead.measure,
    "stops": stops.measure,
    "intake": intake.measure,
    "fairness": fairness.measure,
    "timers": timers.measure,
    "claims": claims.measure,
    "statements": statements.measure,
    "scale": scale.measure,
    "batches": batches.measure,
}


def asked() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="bench/run.py", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    lines = [f"{name}: {str(part.__doc__).splitlines()[0]}" for name, part in PARTS.items()]
    parser.add_argument("parts", nargs="*", metavar="PART", help="\n".join(lines))
    parser.add_argument("--size", type=float, default=1.0, help="multiplies every count")
    found = parser.parse_args()
    unknown = set(found.parts) - set(PARTS)
    if unknown:
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    return found


async def measure(parts: list[str], size: float) -> tuple[dict[str, object], list[str]]:
    """Run the parts one after the other; their figures, and which of them failed."""
    log("starting RabbitMQ and PostgreSQL")
    ground = Ground.start(size=size)
    figures: dict[str, object] = {}
    failed = []
    try:
        for name in parts:
            begin = time.perf_counter()
            try:
                figures |= await PARTS[name](ground)
            except Exception:  # noqa: BLE001 - what the others found is not lost over one
                console.print_exception()
                failed.append(name)
            log(f"{name}: {time.perf_counter() - begin:.0f} s")
    finally:
        ground.stop()
    return figures, failed


def main() -> int:
    """The whole run; 1 when a part of it failed."""
    wish = asked()
    whole = not wish.parts and wish.size == 1.0
    figures, failed = asyncio.run(measure(wish.parts or list(PARTS), wish.size))
    target = ROOT / ".followup" / ("bench.json" if whole else "bench.part.json")
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(figures, indent=2) + "\n")
    show(figures)
    if whole and not failed:
        draw(figures)
        page.write(figures)
    if failed:
        log(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
