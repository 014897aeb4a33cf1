"""Bodies: an event with the records it names, as they are now.

Messages carry ids; who is told of one is told the present truth, at every attempt anew.
What was erased meanwhile is null. An event that no body can be made of keeps nobody else's
waiting: those that were read with it are then read one by one.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import orjson
import structlog

from followup_database import Database, Transaction
from followup_database.errors import is_passing
from followup_intake.core.tellings import TESTED, TOLD, Part
from followup_intake.outgoing.deliveries import Claimed
from followup_intake.outgoing.log import Event, events_numbered
from followup_intake.portraits import lead_portrait, person_portrait
from followup_people import LeadView, PersonView, leads_by_id, persons_by_id


@dataclass(frozen=True, slots=True)
class _Records:
    leads: Mapping[UUID, LeadView]
    persons: Mapping[UUID, PersonView]

    def part(self, part: Part, event: Event) -> dict[str, Any] | None:
        match part:
            case "lead":
                lead = self.leads.get(event.lead_id) if event.lead_id else None
                theirs = lead is not None and lead.tenant_id == event.tenant_id
                return lead_portrait(lead) if lead is not None and theirs else None
            case "person":
                person = self.persons.get(event.person_id) if event.person_id else None
                theirs = person is not None and person.tenant_id == event.tenant_id
                return person_portrait(person) if person is not None and theirs else None


@dataclass(frozen=True, slots=True)
class NotKept:
    """An event past its keeping."""


@dataclass(frozen=True, slots=True)
class Unmade:
    """A body that could not be made, by the kind of error: a fault of ours, none of theirs."""

    error: str


Body = bytes | NotKept | Unmade

_log = structlog.get_logger(__name__)
_T = TypeVar("_T")


async def bodies_shown(
    database: Database, tenant_id: UUID, events: Sequence[Event], *, whole: bool
) -> list[bytes]:
    """A tenant's events as JSON; without `whole` with their ids alone.

    One whose records cannot be shown has its ids alone, too: its reader goes on behind it.
    """

    async def make(tx: Transaction, some: Sequence[Event]) -> list[Body]:
        records = await _records(tx, some)
        return [_body(event, records) for event in some]

    if not whole or not events:
        return [_body(event, None) for event in events]
    made = await _made(database, events, make, tenant=tenant_id)
    return [
        body if isinstance(body, bytes) else _body(event, None)
        for event, body in zip(events, made, strict=True)
    ]


async def bodies_for(database: Database, claimed: Sequence[Claimed]) -> list[Body]:
    """The bodies of deliveries, in their order."""

    async def make(tx: Transaction, some: Sequence[Claimed]) -> list[Body]:
        numbers = [(each.tenant_id, each.sequence) for each in some if each.sequence is not None]
        known = await events_numbered(tx, numbers)
        events = [
            _trial(each) if each.sequence is None else known.get((each.tenant_id, each.sequence))
            for each in some
        ]
        records = await _records(tx, [event for event in events if event is not None])
        return [NotKept() if event is None else _body(event, records) for event in events]

    return await _made(database, claimed, make, tenant=None)


async def _made(
    database: Database,
    some: Sequence[_T],
    make: Callable[[Transaction, Sequence[_T]], Awaitable[list[Body]]],
    *,
    tenant: UUID | None,
) -> list[Body]:
    """All at once, or each by itself where that fails; an outage is nobody's fault and raised."""
    try:
        async with database.transaction(tenant=tenant) as tx:
            return await make(tx, some)
    except Exception as error:
        if is_passing(error):
            raise
        if len(some) == 1:
            _log.error("event_body_not_made", exc_info=error)
            return [Unmade(type(error).__name__)]
    return [body for each in some for body in await _made(database, [each], make, tenant=tenant)]


async def _records(tx: Transaction, events: Sequence[Event]) -> _Records:
    leads = {each.lead_id for each in events if each.lead_id is not None}
    persons = {each.person_id for each in events if each.person_id is not None}
    return _Records(
        await leads_by_id(tx, sorted(leads)) if leads else {},
        await persons_by_id(tx, sorted(persons)) if persons else {},
    )


def _body(event: Event, records: _Records | None) -> bytes:
    parts = TOLD.get(event.type, ())
    filled = {} if records is None else {part: records.part(part, event) for part in parts}
    return orjson.dumps(
        {
            "id": str(event.id),
            "type": event.type,
            "timestamp": event.occurred_at.isoformat(),
            "sequence": event.sequence,
            "data": {**event.data, **filled},
        }
    )


def _trial(claimed: Claimed) -> Event:
    return Event(
        tenant_id=claimed.tenant_id,
        sequence=None,
        id=claimed.event_id,
        type=TESTED,
        lead_id=None,
        person_id=None,
        data={"endpoint_id": str(claimed.endpoint.id)},
        occurred_at=claimed.created_on,
    )
