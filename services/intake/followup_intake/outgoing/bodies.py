"""Bodies: an event with the records it names, as they are now.

Messages carry ids; who is told of one is told the present truth, at every attempt anew.
What was erased meanwhile is null.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from followup_database import Transaction
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


async def bodies_of(tx: Transaction, events: Sequence[Event], *, whole: bool = True) -> list[bytes]:
    """The events as JSON, each as an endpoint gets it; without `whole` with their ids alone."""
    records = await _records(tx, events) if whole else _Records({}, {})
    return [_body(event, records, whole=whole) for event in events]


async def bodies_for(tx: Transaction, claimed: Sequence[Claimed]) -> dict[UUID, bytes]:
    """Bodies by delivery; one whose event is past its keeping has none."""
    numbers = [(each.tenant_id, each.sequence) for each in claimed if each.sequence is not None]
    known = await events_numbered(tx, numbers)
    events: dict[UUID, Event] = {}
    for each in claimed:
        event = (
            _trial(each) if each.sequence is None else known.get((each.tenant_id, each.sequence))
        )
        if event is not None:
            events[each.id] = event
    return dict(zip(events, await bodies_of(tx, list(events.values())), strict=True))


async def _records(tx: Transaction, events: Sequence[Event]) -> _Records:
    leads = {each.lead_id for each in events if each.lead_id is not None}
    persons = {each.person_id for each in events if each.person_id is not None}
    return _Records(
        await leads_by_id(tx, sorted(leads)) if leads else {},
        await persons_by_id(tx, sorted(persons)) if persons else {},
    )


def _body(event: Event, records: _Records, *, whole: bool) -> bytes:
    parts = TOLD.get(event.type, ()) if whole else ()
    return orjson.dumps(
        {
            "id": str(event.id),
            "type": event.type,
            "timestamp": event.occurred_at.isoformat(),
            "sequence": event.sequence,
            "data": {**event.data, **{part: records.part(part, event) for part in parts}},
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
