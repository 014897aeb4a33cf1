"""How long a page of the agenda takes among a million leads.

    python bench/agenda.py [LEADS]

One tenant, a person and a touch planned for each lead, a task for every fifth. Pages are
asked for over HTTP, in process: the first ones of what is overdue, due today and due this
week, and others at random places. What is printed is in milliseconds.
"""

import asyncio
import json
import random
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import quantiles
from uuid import UUID

import httpx
from sqlalchemy import text

from followup_database import Transaction
from followup_embedded.house import Embedded
from followup_runtime.settings import Settings
from followup_scheduler import pages

KEY = "key-of-the-agenda-benchmark"
LEADS = 1_000_000
PAGES = 200
AT_ONCE = 50_000
FIRST = {due: {"due": due} for due in ("overdue", "today", "week")}
_ID = "CAST('01900000-00%s-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid)"
_DUE = "now() + (n %% 43200) * interval '1 minute' - interval '1 day'"
PERSON, LEAD, TOUCH, TASK, RUN = (_ID % kind for kind in ("be", "1e", "c0", "7a", "e0"))
DUE = _DUE.replace("%%", "%")
NUMBERS = "generate_series(CAST(:first AS int), CAST(:last AS int)) AS n"
FILL = (
    f"""
    INSERT INTO people.persons (id, tenant_id, first_name, audience, created_at)
    SELECT {PERSON}, :tenant, 'Robin', 'b2c', now() FROM {NUMBERS}
    """,
    f"""
    INSERT INTO people.leads (id, tenant_id, person_id, source, asked, received_at)
    SELECT {LEAD}, :tenant, {PERSON}, 'web_form', true, now()
    FROM {NUMBERS}
    """,
    f"""
    INSERT INTO scheduler.touches (id, tenant_id, enrollment_id, lead_id, person_id, sequence,
      version, step, occurrence, channel, state, round, epoch, lane, content, template,
      contact_round, transactional, outstanding, due_at, trace)
    SELECT {TOUCH}, :tenant, {RUN}, {LEAD}, {PERSON}, 'd1', 1, 'day-2', 0, 'sms', 'planned', 0, 0,
      'later', 'text', 'hash', 'r', false, false, {DUE}, '[]'
    FROM {NUMBERS}
    """,
    f"""
    INSERT INTO scheduler.tasks (id, tenant_id, lead_id, person_id, kind, reason, state, due_at,
      created_at)
    SELECT {TASK}, :tenant, {LEAD}, {PERSON}, 'call', 'bench', 'open', {DUE}, now()
    FROM {NUMBERS} WHERE n % 5 = 0
    """,
)


async def main(leads: int) -> None:
    """Fill, ask, print."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), bootstrap_key=KEY, public_url="http://bench")
        async with Embedded(settings) as house:
            for first in range(1, leads + 1, AT_ONCE):
                async with house.databases.worker.transaction() as tx:
                    await _fill(tx, house.tenant.id, first, min(first + AT_ONCE - 1, leads))
                print(f"\r{first + AT_ONCE - 1:,} leads", end="", file=sys.stderr)
            async with house.databases.worker.transaction() as tx:
                for table in ("people.leads", "scheduler.touches", "scheduler.tasks"):
                    await tx.run(text(f"ANALYZE {table}"))
            async with httpx.AsyncClient(
                transport=httpx.ASGITransport(house.app),
                base_url="http://bench",
                headers={"authorization": f"Bearer {KEY}"},
            ) as client:
                print(file=sys.stderr)
                print(json.dumps({"leads": leads, **await _measure(client)}))


async def _fill(tx: Transaction, tenant: UUID, first: int, last: int) -> None:
    for statement in FILL:
        await tx.run(text(statement), tenant=tenant, first=first, last=last)


async def _measure(client: httpx.AsyncClient) -> dict[str, dict[str, float]]:
    places = random.Random(1)  # noqa: S311 - the same places every time
    taken: dict[str, list[float]] = {}
    for number in range(PAGES + 20):
        moment = datetime.now(UTC) + timedelta(minutes=places.randrange(43_200 - 1_500))
        far = {"due": "all", "cursor": pages.write(moment, UUID(int=0))}
        for name, asked in {**FIRST, "anywhere": far}.items():
            begin = time.perf_counter()
            answer = await client.get("/v1/agenda", params={**asked, "limit": 50})
            if number >= 20:  # the first ones fill caches of statements and pages
                taken.setdefault(name, []).append(1_000 * (time.perf_counter() - begin))
            if answer.status_code != 200 or len(answer.json()["items"]) != 50:
                raise RuntimeError(answer.text[:500])
    return {name: _cuts(several) for name, several in taken.items()}


def _cuts(taken: list[float]) -> dict[str, float]:
    cuts = quantiles(taken, n=100)
    return {name: round(cuts[at - 1], 1) for name, at in (("p50", 50), ("p95", 95), ("p99", 99))}


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else LEADS))
