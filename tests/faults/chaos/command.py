"""`make chaos`: injure the distributed deployment under load, then check its promises.

Progress goes to stderr. On stdout: a line per kind of injury, a line per violation, and
last a JSON summary on one line. Exit 1 on any violation.
"""

import argparse
import asyncio
import contextlib
import json
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import uvloop

from chaos.checks import violations
from chaos.deployment import Deployment, deployed
from chaos.draining import drain
from chaos.evidence import Evidence, Violation
from chaos.injuries import Surgeon
from chaos.load import Load
from chaos.plan import KILL, KILL_EVERY, TRACKS, plan
from chaos.reading import Reader, gather
from chaos.scene import documents
from chaos.sending import late_sends
from followup_testkit.reaper import Reaper

RATE = 6.0
"""Leads a second."""
RACES = 10_000
WELL_WITHIN = 60.0
"""Seconds in which the first touch must have come, before anything is injured."""
SHOWN = 40


def log(text: str) -> None:
    """A line of progress."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def main() -> None:
    """Run by the command line."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--for", dest="seconds", type=float, default=600.0, help="of injuries")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--rate", type=float, default=RATE, help="leads a second")
    parser.add_argument("--kill-every", type=float, default=KILL_EVERY, help="seconds, in the mean")
    parser.add_argument("--tracks", nargs="+", choices=TRACKS, default=TRACKS, help="of injuries")
    parser.add_argument("--races", type=int, default=RACES, help="of the STOP race; 0: none")
    parser.add_argument("--keep", type=Path, help="a folder for logs and evidence")
    asked = parser.parse_args()
    seed = secrets.randbelow(1_000_000) if asked.seed is None else asked.seed
    log(f"seed {seed}, {asked.seconds:.0f} s of injuries")
    sys.exit(uvloop.run(_interruptible(asked, seed)))


async def _interruptible(asked: argparse.Namespace, seed: int) -> int:
    task = asyncio.current_task()
    assert task is not None
    for kind in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(kind, task.cancel)
    try:
        return await _whole(asked, seed)
    except asyncio.CancelledError:
        log("interrupted")
        return 130


async def _whole(asked: argparse.Namespace, seed: int) -> int:
    summary = await _run(asked, seed)
    broken = bool(summary["violations"])
    if asked.races:
        race = await _race(asked.races)
        summary["stop_race"] = race
        broken = broken or bool(race.get("violations"))
    print(json.dumps(summary, default=str), flush=True)
    return 1 if broken else 0


async def _race(races: int) -> dict[str, Any]:
    """The dense test of the fence, which has a deployment of its own."""
    log(f"{races} STOP races")
    return await import_module("race.run").main(races)


async def _run(asked: argparse.Namespace, seed: int) -> dict[str, Any]:
    began = time.monotonic()
    reaper = Reaper()
    folder = _folder(reaper)
    timeout = aiohttp.ClientTimeout(total=20)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            deployed(folder, reaper, seed=seed) as deployment,
        ):
            log(f"deployed after {time.monotonic() - began:.0f} s")
            evidence, surgeon, load, counts = await _injure(asked, seed, deployment, session)
            found = violations(evidence)
            if asked.keep is not None:
                _keep_evidence(evidence, found, asked.keep)
            log(f"all done after {time.monotonic() - began:.0f} s")
            return _report(seed, asked, evidence, found, surgeon, load, deployment, counts)
    finally:
        if asked.keep is not None:
            _keep_logs(folder, asked.keep)
        reaper.close()
        shutil.rmtree(folder, ignore_errors=True)


def _folder(reaper: Reaper) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="followup-chaos-"))
    folder.chmod(0o755)  # the embedded server runs as another user under root
    reaper.delete(folder)
    return folder


async def _injure(
    asked: argparse.Namespace, seed: int, deployment: Deployment, session: aiohttp.ClientSession
) -> tuple[Evidence, Surgeon, Load, dict[str, Any]]:
    reader = Reader(session, deployment)
    for key, document in documents().items():
        await _publish(session, deployment, key, document)
    load = await _load(session, deployment, reader, seed=seed)
    await load.try_one(within=WELL_WITHIN)
    surgeon = Surgeon(deployment, session, log)
    working = asyncio.create_task(load.run(rate=asked.rate, seconds=asked.seconds))
    try:
        planned = plan(seed, asked.seconds, kill_every=asked.kill_every)
        await surgeon.operate(
            {track: planned[track] for track in asked.tracks}, seconds=asked.seconds
        )
        await surgeon.heal()
        log("healed; waiting for every process and every acknowledgement")
        await deployment.all_ready()
        await working
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
    log(f"{len(load.leads)} leads, {dict(load.counts)}")
    told = await drain(reader, load.leads, log)
    evidence = await gather(reader, deployment, load, told=told)
    return evidence, surgeon, load, dict(await reader.counts())


async def _publish(
    session: aiohttp.ClientSession, deployment: Deployment, key: str, document: str
) -> None:
    url = f"{deployment.url('scheduler')}/v1/sequences/{key}"
    headers = {
        "Authorization": f"Bearer {deployment.fleet.token}",
        "Content-Type": "application/yaml",
    }
    for method, path, body in (("PUT", "", document), ("POST", "/publish", None)):
        async with session.request(method, url + path, data=body, headers=headers) as answer:
            if not answer.ok:
                raise RuntimeError(f"{method} {key}: {answer.status} {await answer.text()}")


async def _load(
    session: aiohttp.ClientSession, deployment: Deployment, reader: Reader, *, seed: int
) -> Load:
    accounts = (await reader.get("dispatcher", "/v1/accounts"))["items"]
    (account,) = [each["id"] for each in accounts if each["channel"] == "sms"]
    return Load(
        session,
        {name: deployment.url(name) for name in deployment.fronts},
        deployment.vendor.control,
        deployment.fleet.token,
        f"{deployment.url('replies')}/hooks/twilio/{account}/inbound",
        deployment.vendor.auth_token,
        deployment.vendor.account_sid,
        Random(seed),  # noqa: S311 - a run's dice, never a secret
    )


def _report(
    seed: int,
    asked: argparse.Namespace,
    evidence: Evidence,
    found: list[Violation],
    surgeon: Surgeon,
    load: Load,
    deployment: Deployment,
    counts: dict[str, Any],
) -> dict[str, Any]:
    late = late_sends(evidence)
    frozen = [each for each in late if each.frozen]
    for name, count in sorted((surgeon.counts + Counter(counts["faults"])).items()):
        print(f"{name:28} {count}")
    for violation in found[:SHOWN]:
        print(f"VIOLATION {violation.rule}: {violation.subject}: {violation.text}")
    return {
        "seed": seed,
        "seconds": asked.seconds,
        "leads": len(evidence.leads),
        "touches": len(evidence.accepted),
        "requests": len(evidence.ledger),
        "requests_while_injured": sum(
            surgeon.healed is not None and t.first_byte < surgeon.healed for t in evidence.ledger
        ),
        "words": sum(word.acknowledged is not None for word in evidence.words),
        "kills": surgeon.counts[KILL],
        "injuries": dict(surgeon.counts),
        "provider": counts,
        "clients": dict(load.counts),
        "ended_by_themselves": dict(deployment.exits),
        "frozen_sends": len(frozen),
        "worst_frozen_ms": max((each.by.total_seconds() * 1000 for each in frozen), default=0.0),
        "lost": sum(v.rule in ("lost", "untold", "words") for v in found),
        "duplicates": sum(v.rule == "twice" for v in found),
        "violations": [f"{v.rule}: {v.subject}: {v.text}" for v in found],
    }


def _keep_logs(folder: Path, kept: Path) -> None:
    kept.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("*.log"):
        shutil.copy(file, kept)
    for name in ("rabbit/node.log", "postgres/log"):
        with contextlib.suppress(OSError):
            shutil.copy(folder / name, kept / name.replace("/", "-"))


def _keep_evidence(evidence: Evidence, found: list[Violation], kept: Path) -> None:
    """What the checker read, of those it has something to say about."""
    wanted = {violation.subject for violation in found}
    about = {
        lead_id: told
        for lead_id, told in evidence.told.items()
        if lead_id in wanted
        or any(t["id"] in wanted for e in told.enrollments for t in e["touches"])
    }
    touches = {t["id"] for told in about.values() for e in told.enrollments for t in e["touches"]}
    record = {
        "violations": found,
        "told": about,
        "attempts": {touch: evidence.attempts.get(touch, []) for touch in touches},
        "ledger": [taken for taken in evidence.ledger if taken.touch in touches],
        "disruptions": evidence.disruptions,
        "words": evidence.words,
        "left": evidence.left,
    }
    kept.mkdir(parents=True, exist_ok=True)
    (kept / "evidence.json").write_text(json.dumps(record, indent=1, default=_plain))


def _plain(value: Any) -> Any:
    fields = getattr(value, "__slots__", None) or getattr(value, "__dataclass_fields__", None)
    if fields:
        return {name: getattr(value, name) for name in fields}
    return sorted(value) if isinstance(value, frozenset) else str(value)
