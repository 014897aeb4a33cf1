"""The demo from its empty folder to its figures."""

import asyncio
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx

from followup_embedded.demo import checker
from followup_embedded.demo.characters import Character
from followup_embedded.demo.driver import Driver
from followup_embedded.demo.evidence import Evidence, Fate, Silence, Violation
from followup_embedded.demo.hands import Hands
from followup_embedded.demo.records import Records, calls_of
from followup_embedded.demo.world import World
from followup_embedded.house import Embedded
from followup_runtime.clocks import SteppingClock
from followup_runtime.keyring import keys_of
from followup_runtime.settings import Settings

START = datetime(2026, 10, 26, 14, 0, tzinfo=UTC)
"""A Monday, ten o'clock in New York; American clocks go back on the Sunday after."""
LONGEST = timedelta(days=120)
_KEY = "demo-key-of-the-demo-alone"
_PUBLIC = "https://followup.example.com"
_GLANCE = 0.4  # seconds between two looks at how far it is
_RESULTS = {"voicemail": "voicemail_left"}

Progress = Callable[[int, int, datetime, int], None]
"""(ended enrollments, all of them, business time, entries of the sandbox)."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything the report tells."""

    imported: dict[str, Any]
    refusals: list[dict[str, Any]]
    touches: list[dict[str, Any]]
    intents: list[dict[str, Any]]
    endings: list[dict[str, Any]]
    timeline: dict[str, Any]
    evidence: Evidence
    violations: list[Violation]
    lost: list[Fate]
    opt_outs: int
    bookings: int
    began: datetime
    ended: datetime
    jumps: int
    seconds: float


async def play(file: Path, folder: Path, *, progress: Progress) -> Outcome:
    """Import a file of leads into a fresh house in `folder` and play it to the end."""
    began = time.monotonic()
    shutil.rmtree(folder, ignore_errors=True)
    settings = Settings(data_dir=folder, bootstrap_key=_KEY, public_url=_PUBLIC)
    clock = SteppingClock(START)
    leads = await asyncio.to_thread(file.read_bytes)
    async with (
        Embedded(settings, clock=clock) as house,
        house.running(),
        _client(house) as client,
    ):
        hands = Hands(client, keys=keys_of(settings).sandbox_keys, clock=clock)
        records = Records(house.databases.worker)
        report = await hands.bring(leads)
        world = World(await _characters(records))
        driver = Driver(house, clock, hands, world, until=START + LONGEST)
        await _play(driver, records, progress)
        outcome = await _told(driver, records, report)
    return replace(outcome, seconds=time.monotonic() - began)


def _client(house: Embedded) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=house.app),
        base_url=_PUBLIC,
        headers={"authorization": f"Bearer {_KEY}"},
        timeout=60,
    )


async def _characters(records: Records) -> dict[UUID, Character]:
    """A character for everybody, under every id they are known by."""
    lives, people = await records.lives(), await records.people()
    known = {person.human.id: Character.of(min(person.addresses)) for person in people}
    return {id_: known[now] for id_, now in lives.items()}


async def _play(driver: Driver, records: Records, progress: Progress) -> None:
    seen = 0.0

    async def look() -> None:
        nonlocal seen
        if time.monotonic() - seen > _GLANCE:
            seen = time.monotonic()
            ended, every = await records.progress()
            progress(ended, every, driver.clock(), driver.entries)

    await driver.play(look)
    seen = 0.0
    await look()


async def _told(driver: Driver, records: Records, report: dict[str, Any]) -> Outcome:
    lives = await records.lives()
    sendings = await records.sendings()
    ends = {
        call.entry.touch_id: (_RESULTS.get(call.end, call.end), call.entry.at)
        for call in driver.world.calls
    }
    evidence = Evidence(
        sendings=sendings,
        humans=[person.human for person in await records.people()],
        calls=calls_of(ends, sendings),
        silences=[_now(silence, lives) for silence in driver.world.silences],
        fates=await records.fates(),
    )
    touches = await records.touches()
    return Outcome(
        imported=report,
        refusals=await records.refusals(),
        touches=touches,
        intents=await records.intents(),
        endings=await records.endings(),
        timeline=await driver.hands.timeline(_telling(touches)),
        evidence=evidence,
        violations=checker.violations(evidence),
        lost=checker.lost(evidence.fates),
        opt_outs=await records.opt_outs(),
        bookings=await records.bookings(),
        began=START,
        ended=driver.clock(),
        jumps=driver.jumps,
        seconds=0.0,
    )


def _now(silence: Silence, lives: dict[UUID, UUID]) -> Silence:
    person_id = lives.get(silence.person_id, silence.person_id)
    return Silence(person_id, silence.since, silence.why, silence.until)


def _telling(touches: list[dict[str, Any]]) -> UUID:
    """The lead whose timeline shows most: calls, deferrals and a text after a voicemail."""

    def worth(touch: dict[str, Any]) -> int:
        left: bool = touch["call_result"] == "voicemail_left"
        deferred = any(entry["what"] == "deferred" for entry in touch["trace"])
        return 3 * left + 2 * deferred + (1 if touch["state"] == "sent" else 0)

    scores: dict[UUID, int] = {}
    for touch in touches:
        scores[touch["lead_id"]] = scores.get(touch["lead_id"], 0) + worth(touch)
    return max(sorted(scores, key=str), key=lambda lead: scores[lead])
