"""Statements on the way of a touch: how many for each, and how many rows each carries."""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import make_url

from ground import Ground
from scene import Scene, scene

TAP = Path(__file__).resolve().parent.parent / "tap.py"
TOUCHES = 5_000
GROWS = 0.25
"""Calls per touch from which a statement counts as one that grows with touches: a batch of
four or more would have made it rarer."""
SHOWN = 0.002
LONGEST = 100

IDLE = 5.0

Counted = Mapping[tuple[str, str], tuple[int, int]]
"""Who and what → calls and rows."""


@dataclass(frozen=True)
class Window:
    """What was counted in so many seconds."""

    counted: Counted
    seconds: float


async def measure(ground: Ground) -> dict[str, object]:
    """`statements_per_touch`, and every statement's calls per touch and rows per call."""
    count = ground.scaled(TOUCHES)
    async with _tap(ground) as folder:

        def through(url: str) -> str:
            return (
                make_url(url)
                .update_query_dict({"host": str(folder)})
                .render_as_string(hide_password=False)
            )

        async with scene(ground, "statements", through=through) as stage:
            await stage.arm(count)
            await stage.quiet()
            idle = await _counted(folder, asyncio.sleep(IDLE))
            busy = await _counted(folder, _send(stage, count))
    rows = _table(idle, busy, count)
    return {
        "statements_per_touch": round(sum(float(str(r["calls_per_touch"])) for r in rows), 3),
        "statements_that_grow_with_touches": sum(1 for row in rows if row["grows"]),
        "statements": rows,
    }


async def _send(stage: Scene, count: int) -> None:
    await stage.make_due()
    await stage.sent(count)
    await stage.quiet()  # events of the last touches go on, and their rows are swept later


async def _counted(folder: Path, work: Coroutine[None, None, None]) -> Window:
    """What was asked while something was done."""
    before, begin = await _read(folder), time.perf_counter()
    await work
    seconds, after = time.perf_counter() - begin, await _read(folder)
    found = {}
    for key, (calls, rows) in after.items():
        calls_before, rows_before = before.get(key, (0, 0))
        if calls > calls_before:
            found[key] = (calls - calls_before, rows - rows_before)
    return Window(found, seconds)


def _table(idle: Window, busy: Window, touches: int) -> list[dict[str, object]]:
    found = []
    for (who, sql), (calls, rows) in busy.counted.items():
        # Loops that look whether anything is due do so without touches as well.
        anyway = idle.counted.get((who, sql), (0, 0))[0] * busy.seconds / idle.seconds
        made = calls - anyway
        if made / touches >= SHOWN:
            found.append(
                {
                    "service": who.removeprefix("followup ").removesuffix(" worker"),
                    "statement": sql if len(sql) <= LONGEST else f"{sql[: LONGEST - 1]}…",
                    "calls_per_touch": round(made / touches, 4),
                    "rows_per_call": round(rows / calls, 1),
                    "grows": "yes" if made / touches >= GROWS else "",
                }
            )
    return sorted(found, key=lambda row: -row["calls_per_touch"])


@asynccontextmanager
async def _tap(ground: Ground) -> AsyncIterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="followup-tap-"))
    ground.reaper.delete(folder)
    tap = _start(folder, ground.folder / "postgres")
    ground.reaper.kill_group(tap.pid)
    try:
        while not (folder / "counts").exists():
            await asyncio.sleep(0.05)
        yield folder
    finally:
        tap.terminate()
        tap.wait()
        ground.reaper.forget_group(tap.pid)


def _start(folder: Path, server: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, str(TAP), str(folder), str(server)]
    return subprocess.Popen(command, start_new_session=True)


async def _read(folder: Path) -> Counted:
    reader, writer = await asyncio.open_unix_connection(str(folder / "counts"))
    rows = json.loads(await reader.read())
    writer.close()
    return {(who, sql): (calls, found) for who, sql, calls, found in rows}
