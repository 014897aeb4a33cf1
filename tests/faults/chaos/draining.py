"""Waiting until a healed system has done what it still had to do."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from chaos.evidence import Lead, Told
from chaos.reading import Reader, each

LIMIT = 330.0
"""Seconds: a command is repeated after 60, a refused touch tried again after 30, 60, 120,
an unknown one asked about after 0, 5, 15, 35, 75."""
LOOK_EVERY = 2.0
WORTH_WAITING = timedelta(seconds=150)
"""A touch due sooner than this is waited for; a later one has its reason recorded."""


async def drain(
    reader: Reader,
    leads: Sequence[Lead],
    log: Callable[[str], None],
    *,
    limit: float = LIMIT,
    look_every: float = LOOK_EVERY,
) -> Mapping[str, Told]:
    """What the API tells of each lead, once nothing is to be waited for, or time is up."""
    clock = asyncio.get_running_loop().time
    end = clock() + limit
    told: dict[str, Told] = {}
    waiting = {lead.lead_id for lead in leads}
    while True:
        told |= await each(sorted(waiting), reader.told)
        waiting = _unfinished(told)
        left = {name: amount for name, amount in (await reader.left()).items() if amount}
        log(f"draining: {len(waiting)} leads; {_shown(left)}")
        reporting = (await reader.counts())["reporting"]
        if not waiting and not left and not reporting:
            # What was settled, or due much later, may have come to move again meanwhile.
            told = await each(sorted(told), reader.told)
            waiting = _unfinished(told)
            if not waiting:
                return told
        if clock() > end:
            log("draining: time is up")
            return await each(sorted(told), reader.told)
        await asyncio.sleep(look_every)


def _unfinished(told: Mapping[str, Told]) -> set[str]:
    """The leads of which something is still under way, by now."""
    now = datetime.now(UTC)
    return {lead_id for lead_id, one in told.items() if _is_unfinished(one, now=now)}


def _is_unfinished(told: Told, *, now: datetime) -> bool:
    touches = [touch for enrollment in told.enrollments for touch in enrollment["touches"]]
    return not told.enrollments or any(_moving(touch, now=now) for touch in touches)


def _moving(touch: Mapping[str, Any], *, now: datetime) -> bool:
    match touch["state"]:
        case "commanded" | "unknown":
            return True
        case "planned":
            return datetime.fromisoformat(touch["due_at"]) < now + WORTH_WAITING
    return False


def _shown(left: Mapping[str, float]) -> str:
    return (
        ", ".join(f"{name} {amount:g}" for name, amount in sorted(left.items())) or "nothing left"
    )
