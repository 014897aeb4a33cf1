"""A measurement's own database, fleet and house, and what every measurement does with them."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from cpu import Meter
from fleet import Fleet
from followup_database.engine import async_url
from followup_directory.vault import new_secret_key
from ground import Ground
from house import SEQUENCE, Client, House, furnish

SERVICES = ("intake", "scheduler", "dispatcher", "replies")
PATIENCE = 300.0
AHEAD = 8
"""Seconds in which thousands of timers can be rewritten."""


@dataclass
class Scene:
    """A fleet at work for a house."""

    ground: Ground
    fleet: Fleet
    house: House
    engine: AsyncEngine
    api: httpx.AsyncClient

    @property
    def meter(self) -> Meter:
        """What the processes of this scene have used."""
        return Meter(self.fleet.pids(), self.ground.folder / "postgres")

    async def publish(self, *, after: str) -> None:
        """Put and publish the one-text sequence of every tenant."""
        url = f"{self.fleet.urls['scheduler']}/v1/sequences/bench"
        for client in self.house.clients:
            headers = bearer(client) | {"Content-Type": "application/yaml"}
            content = SEQUENCE.format(after=after)
            (await self.api.put(url, content=content, headers=headers)).raise_for_status()
            (await self.api.post(f"{url}/publish", headers=headers)).raise_for_status()

    async def arm(self, count: int) -> None:
        """Have so many new leads wait for a text that is a month off."""
        await self.publish(after="30d")
        before = await self.count("SELECT count(*) FROM scheduler.timers WHERE kind = 'touch'")
        clients = self.house.clients
        for client in clients:
            await self.post_batch(self.house.leads(count // len(clients)), client)
        armed = "SELECT count(*) FROM scheduler.timers WHERE kind = 'touch'"
        await self.reached(armed, before + count // len(clients) * len(clients))
        await self.vacuum()

    async def vacuum(self) -> None:
        """What would have been done by the time that all of it had come one by one."""
        async with self.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as own:
            await own.execute(text("VACUUM ANALYZE"))
            await own.execute(text("CHECKPOINT"))

    async def post_batch(self, leads: Sequence[dict[str, object]], client: Client) -> None:
        """Send leads as NDJSON; raises when any is refused."""
        await self.post_lines(ndjson(leads), client)

    async def post_lines(self, lines: bytes, client: Client) -> None:
        """Send NDJSON that is written already; raises when any lead is refused."""
        answer = await self.api.post(
            f"{self.fleet.urls['intake']}/v1/leads/batch?lane=later",
            content=lines,
            headers=bearer(client) | {"Content-Type": "application/x-ndjson"},
            timeout=PATIENCE,
        )
        answer.raise_for_status()
        refused = [line for line in answer.text.splitlines() if '"refused"' in line]
        if refused:
            raise RuntimeError(f"{len(refused)} leads refused: {refused[0]}")

    async def make_due(self, *, most: int = 10_000_000, per_second: float | None = None) -> None:
        """Bring armed touches forward: all to one moment, or so many a second from then on.

        Tenants take turns, as those of a real cell would.
        Returns when that moment has come: what is measured begins there, not with the
        rewriting of thousands of rows.
        """
        # At one and the same moment the order would be that of ids: tenant after tenant.
        rate = 1_000_000 if per_second is None else per_second
        moment = "CAST(:begin AS timestamptz) + make_interval(secs => n / :per_second)"
        async with self.engine.begin() as connection:
            now = await connection.scalar(text("SELECT clock_timestamp()"))
            begin = now + timedelta(seconds=AHEAD)
            await connection.execute(
                text(f"""
                WITH turns AS (
                  SELECT target, row_number() OVER (PARTITION BY tenant_id ORDER BY target) AS turn
                  FROM scheduler.timers WHERE kind = 'touch' AND tenant_id = ANY(:tenants)
                ), chosen AS (
                  SELECT target, CAST(row_number() OVER (ORDER BY turn, target) AS float8) AS n
                  FROM turns ORDER BY turn, target LIMIT :most
                ), touched AS (
                  UPDATE scheduler.touches AS t SET due_at = {moment}, wanted_at = {moment}
                  FROM chosen WHERE t.id = chosen.target
                )
                UPDATE scheduler.timers AS t SET due_at = {moment}
                FROM chosen WHERE t.target = chosen.target
                """),
                {
                    "most": most,
                    "begin": begin,
                    "tenants": [client.tenant_id for client in self.house.clients],
                    "per_second": float(rate),
                },
            )
            late = await connection.scalar(text("SELECT clock_timestamp()")) - begin
        if late > timedelta():
            raise RuntimeError(f"{most} timers were rewritten {late} after they were due")
        await asyncio.sleep(-late.total_seconds())

    async def sent(self, count: int) -> None:
        """Wait until so many touches are recorded as sent by the scheduler.

        The stub is asked first: to count rows ten times a second costs what is measured.
        """
        seen = f"{self.fleet.urls['stub']}/seen"
        await wait(lambda: self._number(seen), lambda found: found >= count, seen)
        await self.reached("SELECT count(*) FROM scheduler.touches WHERE state = 'sent'", count)

    async def _number(self, url: str) -> int:
        return int((await self.api.get(url)).json()["seen"])

    async def quiet(self) -> None:
        """Wait until nothing is on its way: events are swept half a minute after they left."""
        await self.reached("SELECT 1 - least(1, count(*)) FROM messaging.outbox", 1)

    async def count(self, query: str) -> int:
        """A number from the database."""
        async with self.engine.connect() as connection:
            return int(await connection.scalar(text(query)) or 0)

    async def reached(self, query: str, count: int) -> None:
        """Wait until a count is reached."""
        await wait(lambda: self.count(query), lambda found: found >= count, query)

    async def arrivals(self) -> dict[str, float]:
        """When the provider was first asked for each number, in Unix time."""
        answer = await self.api.get(f"{self.fleet.urls['stub']}/arrivals")
        return {str(number): float(at) for number, at in answer.json().items()}


def ndjson(leads: Sequence[dict[str, object]]) -> bytes:
    """Leads as a batch has them, a line each."""
    return "\n".join(json.dumps(lead) for lead in leads).encode()


def bearer(client: Client) -> dict[str, str]:
    """The header that lets a tenant in."""
    return {"Authorization": f"Bearer {client.token}"}


async def wait(look: Callable, enough: Callable[[int], bool], what: str) -> None:
    """Look ten times a second until it is enough."""
    end = time.perf_counter() + PATIENCE
    while not enough(found := await look()):
        if time.perf_counter() > end:
            raise RuntimeError(f"{found} after {PATIENCE:.0f} s: {what}")
        await asyncio.sleep(0.1)


@asynccontextmanager
async def scene(
    ground: Ground,
    name: str,
    *,
    services: Sequence[str] = SERVICES,
    tenants: int = 1,
    stub_seconds: float = 0.0,
    through: Callable[[str], str] = lambda url: url,
) -> AsyncIterator[Scene]:
    """A scene whose services reach their database by the address `through` makes of its own."""
    await ground.clear_broker()
    url = await ground.database(name)
    secret_key = new_secret_key()
    fleet = Fleet(
        {
            "FOLLOWUP_DATABASE_URL": through(url),
            "FOLLOWUP_AMQP_URL": ground.broker.url,
            "FOLLOWUP_SECRET_KEYS": secret_key,
            "FOLLOWUP_SUPPRESSION_KEY": uuid4().hex,
            "FOLLOWUP_LOG_LEVEL": "WARNING",
        },
        ground.reaper,
    )
    engine = create_async_engine(async_url(url))
    try:
        stub = fleet.stub(seconds=stub_seconds)
        house = await furnish(url, stub=stub, secret_key=secret_key, tenants=tenants)
        fleet.services(*services)
        async with httpx.AsyncClient(timeout=60) as api:
            yield Scene(ground, fleet, house, engine, api)
    finally:
        fleet.stop()
        await engine.dispose()
        await ground.drop(name)
