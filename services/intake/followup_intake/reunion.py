"""The loop that brings parked events and their leads together."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

import structlog
from prometheus_client import Gauge

from followup_database import Database, Transaction
from followup_database.attempts import committed
from followup_database.errors import is_outage
from followup_intake import overtaken
from followup_intake.happenings import Happenings, IncompleteEvent, UnknownLead
from followup_intake.overtaken import Parked
from followup_intake.refusals import bury
from followup_messaging.failures import describe, origin
from followup_people import leads_by_external_id, leads_by_id
from followup_runtime.loops import Tick

COUNTED = 10_000
"""Waiting events are counted no further."""

_log = structlog.get_logger(__name__)


class Reunion:
    """Takes parked events in once their leads are there; the others die in the end.

    Each is taken in a transaction of its own. One whose lead does not come within
    `patience`, or that cannot be carried out until then, becomes a dead letter.
    """

    name = "intake:overtaken"

    def __init__(
        self,
        database: Database,
        happenings: Happenings,
        *,
        patience: timedelta,
        waiting: Gauge,
        most: int = 200,
        every: float = 0.25,
    ) -> None:
        self._database = database
        self._happenings = happenings
        self._patience = patience
        self._waiting = waiting
        self._most = most
        self._every = every

    async def run_once(self) -> Tick:
        """One batch: whose lead is there is taken, who waited too long is buried."""
        async with self._database.transaction() as tx:
            found = await overtaken.due(tx, patience=self._patience, most=self._most)
            ready = await _with_lead(tx, found)
            self._waiting.set(await overtaken.count(tx, most=COUNTED))
        for parked in found:
            if parked.given_up or parked.message.id in ready:
                await self._settle(parked)
        return Tick(len(found), 0.0 if len(found) == self._most else self._every)

    async def _settle(self, parked: Parked) -> None:
        try:
            await committed(self._database, partial(self._take, parked))
        except Exception as error:
            if is_outage(error):
                raise
            _log.error(
                "overtaken_event_failed",
                message=str(parked.message.id),
                error=type(error).__name__,
                at=origin(error),
            )
            if parked.given_up:
                await committed(self._database, partial(_give_up, parked, describe(error)))

    async def _take(self, parked: Parked, tx: Transaction) -> None:
        if not await overtaken.lock(tx, parked.message.id):
            return
        try:
            await self._happenings.take(tx, parked.message.tenant_id, parked.event)
        except (UnknownLead, IncompleteEvent) as error:
            if parked.given_up or isinstance(error, IncompleteEvent):
                await _give_up(parked, f"{type(error).__name__}: {error}", tx)
            return
        await overtaken.done(tx, [parked.message.id])


async def _give_up(parked: Parked, reason: str, tx: Transaction) -> None:
    await bury(tx, [(parked.message, reason)])
    await overtaken.done(tx, [parked.message.id])


async def _with_lead(tx: Transaction, found: Sequence[Parked]) -> set[UUID]:
    """Those whose lead is there, in one statement a tenant and one for all ids."""
    ids = [p.event.lead_id for p in found if p.event.lead_id is not None]
    known = await leads_by_id(tx, ids) if ids else {}
    names: dict[UUID, list[str]] = {}
    for parked in found:
        if parked.event.external_id is not None:
            names.setdefault(parked.message.tenant_id, []).append(parked.event.external_id)
    by_name = {
        (tenant_id, name)
        for tenant_id, asked in names.items()
        for name in await leads_by_external_id(tx, tenant_id, asked)
    }
    return {
        p.message.id
        for p in found
        if p.event.lead_id in known or (p.message.tenant_id, p.event.external_id) in by_name
    }
