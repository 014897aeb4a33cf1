"""What the product says of a lead: what its sequences are told, and its line in the journal.

The line can be read back. A lead may be booked or sold before it has entered a sequence:
on entering, it is told what its journal has, as if it had been there already.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from followup_contracts import Message
from followup_contracts.events import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentCompleted,
    AppointmentRescheduled,
    DealStageChanged,
    LeadConverted,
    LeadUpdated,
)
from followup_scheduler.core.format.reaction import ProductEvent
from followup_scheduler.core.model import Converted, FactsChanged, Happened
from followup_scheduler.store.journal import Entry

Appointment = (
    AppointmentBooked | AppointmentRescheduled | AppointmentCancelled | AppointmentCompleted
)
Event = LeadConverted | Appointment | DealStageChanged | LeadUpdated

_HAPPENED: Mapping[type[Event], ProductEvent] = {
    AppointmentBooked: "appointment.booked",
    AppointmentRescheduled: "appointment.rescheduled",
    AppointmentCancelled: "appointment.cancelled",
    AppointmentCompleted: "appointment.completed",
    DealStageChanged: "deal.stage_changed",
}


def event_of(message: Message) -> Event:
    """The event in a message; anything else has no business in this queue."""
    if not isinstance(message.data, Event):
        raise TypeError(f"{message.type} is not for this handler")
    return message.data


def stimulus_of(event: Event) -> Converted | Happened | FactsChanged | None:
    """What sequences are told of an event; None where it changes nothing for any."""
    match event:
        case LeadConverted():
            return Converted(event.kind, event.at)
        case LeadUpdated(changed=("repeated",)):
            return None  # one more enquiry changes nothing that a sequence counts from
        case LeadUpdated():
            return FactsChanged(event.at)
        case _:
            return Happened(_HAPPENED[type(event)], event.at)


def line_of(event: Event, *, tenant_id: UUID, at: datetime) -> Entry:
    """The journal's line about an event."""
    what = event.type_name.removeprefix("followup.").rsplit(".", 1)[0]
    return Entry(tenant_id, event.lead_id, event.person_id, None, at, _in_words(what), _why(event))


def read_back(line: Entry) -> Converted | Happened | None:
    """What a line of the journal told the sequences of its lead that could hear it.

    None for a line of another kind, and for a change of facts: whoever enters later reads
    the facts as they are then.
    """
    if line.what == _CONVERTED:
        return Converted(line.why["kind"], line.at)
    event = _BY_WORDS.get(line.what)
    return None if event is None else Happened(event, line.at)


def _in_words(event: str) -> str:
    return event.replace(".", " ").replace("_", " ")


_CONVERTED = _in_words("lead.converted")
_BY_WORDS: Mapping[str, ProductEvent] = {_in_words(name): name for name in _HAPPENED.values()}


def _why(event: Event) -> dict[str, Any]:
    match event:
        case LeadConverted():
            return {"kind": event.kind, "happened_at": event.at.isoformat()}
        case DealStageChanged():
            return {"stage": event.stage}
        case LeadUpdated():
            return {"changed": list(event.changed)}
        case _:
            return {
                "appointment": event.appointment_id,
                "starts_at": event.starts_at.isoformat(),
            }
