"""Reading what is public: the API, the services' metrics, the depth of queues."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import aio_pika
import aiohttp

from chaos.deployment import Deployment
from chaos.evidence import Evidence, Taken, Told
from chaos.load import Load
from chaos.plan import REPLICAS
from followup_contracts.topology import QUEUES

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE = 8
GAUGES = {
    "followup_replies_holds": "holds",
    "followup_replies_parked": "parked callbacks",
    "followup_scheduler_timers_overdue": "overdue timers",
    "followup_intake_events_waiting": "events before their lead",
    "followup_outbox_rows": "outbox",
    "followup_dead_letters": "dead letters",
}
_SAMPLE = re.compile(r"^(\w+)(?:\{[^}]*\})? ([0-9.eE+-]+)$", re.MULTILINE)


class Reader:
    """Asks with the tenant's key."""

    def __init__(self, session: aiohttp.ClientSession, deployment: Deployment) -> None:
        self._session = session
        self._deployment = deployment
        self._headers = {"Authorization": f"Bearer {deployment.fleet.token}"}

    async def get(self, service: str, path: str) -> Mapping[str, Any]:
        """A resource; empty where there is none. Tried again while a service comes up."""
        url = self._deployment.url(service) + path
        for pause in (0.2, 0.5, 1.0, 2.0, None):
            try:
                async with self._session.get(url, headers=self._headers) as answer:
                    if answer.status == 404:
                        return {}
                    answer.raise_for_status()
                    return await answer.json()
            except (aiohttp.ClientError, TimeoutError):
                if pause is None:
                    raise
                await asyncio.sleep(pause)
        return {}

    async def attempts(self, state: str) -> list[Mapping[str, Any]]:
        """Attempts in a state, the first page."""
        found = await self.get("dispatcher", f"/v1/attempts?state={state}&limit=500")
        return list(found["items"])

    async def told(self, lead_id: str) -> Told:
        """Everything about a lead."""
        timeline = (await self.get("scheduler", f"/v1/leads/{lead_id}/timeline?limit=1000")).get(
            "items", []
        )
        ids = sorted({line["enrollment_id"] for line in timeline} - {None})
        enrollments = [await self.get("scheduler", f"/v1/enrollments/{id_}") for id_ in ids]
        said = await self.get("replies", f"/v1/leads/{lead_id}/conversation?limit=500")
        return Told(timeline, enrollments, said.get("items", []))

    async def gauges(self) -> dict[str, float]:
        """The worst of each gauge over all processes."""
        found: dict[str, float] = {}
        for name in REPLICAS:
            async with self._session.get(f"{self._deployment.fleet.urls[name]}/metrics") as answer:
                text = await answer.text()
            for metric, value in _SAMPLE.findall(text):
                if metric in GAUGES:
                    found[GAUGES[metric]] = max(found.get(GAUGES[metric], 0.0), float(value))
        return found

    async def queues(self) -> dict[str, float]:
        """Messages in each queue that is not empty."""
        connection = await aio_pika.connect(self._deployment.broker.url)
        async with connection, connection.channel() as channel:
            found = {}
            for queue in QUEUES:
                declared = await channel.declare_queue(queue.name, passive=True)
                found[f"queue {queue.name}"] = float(declared.declaration_result.message_count or 0)
        return {name: count for name, count in found.items() if count}

    async def left(self) -> dict[str, float]:
        """What should be zero when all is done, by name."""
        gauges = dict.fromkeys(GAUGES.values(), -1.0) | await self.gauges()
        open_ = {
            f"{state} attempts": float(len(await self.attempts(state)))
            for state in ("claimed", "unknown")
        }
        return {**gauges, **open_, **await self.queues()}

    async def counts(self) -> Mapping[str, Any]:
        """What the provider has counted."""
        async with self._session.get(f"{self._deployment.vendor.control}/counts") as answer:
            return await answer.json()

    async def ledger(self) -> list[Taken]:
        """Every request at the provider."""
        async with self._session.get(f"{self._deployment.vendor.control}/ledger") as answer:
            return [Taken.read(told) for told in (await answer.json())["items"]]


async def gather(
    reader: Reader, deployment: Deployment, load: Load, *, told: Mapping[str, Told]
) -> Evidence:
    """Everything the checker reads."""
    ledger = await reader.ledger()
    touches = {
        touch["id"]
        for each in told.values()
        for enrollment in each.enrollments
        for touch in enrollment["touches"]
        if touch["round"] > 0
    }

    async def attempts(touch_id: str) -> list[Mapping[str, Any]]:
        return list((await reader.get("dispatcher", f"/v1/touches/{touch_id}")).get("attempts", []))

    wanted = sorted(touches | {t.touch for t in ledger if t.touch is not None})
    return Evidence(
        checked=datetime.now(UTC),
        leads=tuple(load.leads),
        ledger=tuple(ledger),
        words=tuple(load.words),
        disruptions=tuple(deployment.disruptions),
        told=told,
        attempts=await each(wanted, attempts),
        left=await reader.left(),
        clients=dict(load.counts),
    )


async def each(items: Iterable[T], work: Callable[[T], Awaitable[R]]) -> dict[T, R]:
    """The result for each item, a few at once."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(item: T) -> tuple[T, R]:
        async with gate:
            return item, await work(item)

    return dict(await asyncio.gather(*(one(item) for item in items)))
