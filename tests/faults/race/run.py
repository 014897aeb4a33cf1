"""The STOP race: ten thousand stops aimed at the moment of a send.

Run as a script; argument: how many races (10,000 if none). A send is begun with the first
byte that reaches the provider, a stop is answered when its client has read the status
line. Prints what was raced, and a JSON summary as its last line; exit 1 if a send began
after the answer to a stop that forbids it, a stop was not answered, or a hold was left.

After the races come a few with dispatchers frozen (SIGSTOP) and a slow link between them
and the provider: there an attempt begins with its own start stamp, and every first byte
that came after the answer in spite of it is counted and its gap shown.
"""

import argparse
import asyncio
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from random import Random, randrange
from typing import Any

HERE = Path(__file__).resolve().parent
for folder in (HERE.parent, HERE.parents[1] / "support"):
    if str(folder) not in sys.path:
        sys.path.append(str(folder))

import uvloop  # noqa: E402 - the folders come first
from sqlalchemy import text  # noqa: E402

from followup_testkit.proxies import TcpProxy  # noqa: E402
from followup_testkit.waiting import until  # noqa: E402
from race.freezing import LateBytes, Starts, freeze  # noqa: E402
from race.ground import FEW_SERVICES, SERVICES, Ground, Servers  # noqa: E402
from race.people import LINKED, People  # noqa: E402
from race.racing import Races  # noqa: E402
from race.verdict import Verdict, judge, percentile  # noqa: E402

RACES = 10_000
FROZEN = 300
PER_SECOND = 60

_HOLDS = text("SELECT count(*) FROM suppression.holds")
_COMMANDED = text("""
SELECT count(*) FROM scheduler.touches WHERE round > 0 AND state IN ('cancelled', 'skipped')
""")
_STATES = text("""
SELECT state || COALESCE(': ' || split_part(reason, ':', 1), '') AS what, count(*) AS n
FROM scheduler.touches GROUP BY 1 ORDER BY 2 DESC LIMIT 12
""")


async def main(races: int) -> dict[str, Any]:
    """Both kinds of races on servers of their own; prints, and returns the summary."""
    servers = await Servers.start()
    try:
        summary = await dense(servers, races, per_second=PER_SECOND)
    finally:
        servers.stop()
    servers = await Servers.start()
    try:
        summary["frozen"] = await frozen(servers, min(races, FROZEN))
    finally:
        servers.stop()
    summary["violations"] += summary["frozen"]["violations"]
    return summary


async def dense(
    servers: Servers, races: int, *, per_second: int, few: bool = False
) -> dict[str, Any]:
    """No proxy and no freeze: the provider's stamp counts. `few`: fewer processes."""
    begun, seed = time.monotonic(), randrange(1 << 32)  # noqa: S311 - which races, no secret
    print(f"the STOP race: {races} races, seed {seed}", file=sys.stderr)
    ground = Ground(servers, FEW_SERVICES if few else SERVICES)
    people = People.on(ground)
    try:
        await ground.start()
        await people.settle()
        run = Races(ground, people, Random(seed), per_second)  # noqa: S311
        await run.run(races)
        verdict = judge(run.stopped, run.sends)
        return await _summary(run, verdict, seconds=time.monotonic() - begun, seed=seed)
    finally:
        await people.close()
        await ground.stop()


async def frozen(servers: Servers, races: int) -> dict[str, Any]:
    """Dispatchers frozen and a slow link: the attempt's own stamp counts."""
    seed = randrange(1 << 32)  # noqa: S311 - which races, no secret
    print(f"the STOP race with frozen dispatchers: {races} races, seed {seed}", file=sys.stderr)
    ground = Ground(servers)
    people = People.on(ground)
    try:
        async with TcpProxy(("127.0.0.1", ground.texts)) as proxy:
            await ground.start()
            await people.settle(base_urls={LINKED: f"http://127.0.0.1:{proxy.port}"})
            run = Races(ground, people, Random(seed), PER_SECOND // 3)  # noqa: S311
            freezing = asyncio.create_task(freeze(ground, proxy, Random(seed)))  # noqa: S311
            try:
                await run.run(races)
            finally:
                freezing.cancel()
                await asyncio.gather(freezing, return_exceptions=True)
            starts = await Starts.read(people, run)
        late = LateBytes.of(run, starts)
        verdict = judge(run.stopped, starts.of_person)
        summary = await _summary(run, verdict, seconds=0.0, seed=seed)
        summary["violations"] += len(late.unstamped)
        return summary | late.summary()
    finally:
        await people.close()
        await ground.stop()


async def _summary(run: Races, verdict: Verdict, *, seconds: float, seed: int) -> dict[str, Any]:
    async def holds() -> int:
        async with run.people.database.transaction() as tx:
            return int(await tx.scalar(_HOLDS))

    try:
        await until(lambda: _none(holds), within=20, what="every hold decided on")
        left = 0
    except AssertionError:
        left = await holds()
    async with run.people.database.transaction() as tx:
        states = {row["what"]: row["n"] for row in await tx.all(_STATES)}
        commanded = await tx.scalar(_COMMANDED)
    answers = [taken for several in run.answers.values() for taken in several]
    return {
        "races": verdict.races,
        "closely": verdict.closely,
        "never_sent": verdict.never_sent,
        "stopped_after_the_command": commanded,
        "sends": sum(map(len, run.sends.values())),
        "violations": len(verdict.violations),
        "worst_margin_ms": round(verdict.worst_margin_ms or 0.0, 1),
        "histogram_ms": verdict.histogram,
        "kinds": verdict.kinds,
        "ack_ms": {
            kind: [round(1000 * percentile(taken, share)) for share in (0.5, 0.99)]
            for kind, taken in sorted(run.answers.items())
        },
        "ack_p99_ms": round(1000 * percentile(answers, 0.99)),
        "touches": states,
        "asked_again": run.asked_again,
        "not_answered": run.failed[:20],
        "holds_left": left,
        "what": [asdict(violation) for violation in verdict.violations[:20]],
        "seconds": round(seconds),
        "seed": seed,
    }


async def _none(count: Any) -> bool:
    return await count() == 0


def failures(summary: dict[str, Any]) -> list[str]:
    """Why a summary is a failure; empty when it is none."""
    parts = [summary, *([summary["frozen"]] if "frozen" in summary else [])]
    return [
        f"{name}: {part[name]}"
        for part in parts
        for name in ("violations", "not_answered", "holds_left")
        if part[name]
    ]


async def _chosen(given: argparse.Namespace) -> dict[str, Any]:
    if given.database is None:
        return await main(given.races)
    servers = Servers.given(given.database, given.amqp)
    try:
        return await dense(servers, given.races, per_second=given.per_second, few=True)
    finally:
        servers.stop()


def show(summary: dict[str, Any]) -> None:
    """A line for people on stderr for each figure worth a look."""
    for name in (
        "closely",
        "never_sent",
        "stopped_after_the_command",
        "worst_margin_ms",
        "histogram_ms",
        "ack_ms",
        "touches",
    ):
        print(f"{name}: {summary[name]}", file=sys.stderr)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("races", nargs="?", type=int, default=RACES)
    parser.add_argument("--per-second", type=int, default=PER_SECOND)
    parser.add_argument("--database", help="run shortly on this migrated database")
    parser.add_argument("--amqp", help="the broker that goes with it")
    told = uvloop.run(_chosen(parser.parse_args()))
    show(told)
    why = failures(told)
    for line in why:
        print(line, file=sys.stderr)
    print(json.dumps(told))
    sys.exit(1 if why else 0)
