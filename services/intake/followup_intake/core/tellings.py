"""What a product can be told of: every type of event, and what its body is filled in with."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from followup_contracts import events
from followup_contracts.payload import Payload

Part = Literal["lead", "person"]

_BOTH: tuple[Part, ...] = ("lead", "person")
_PERSON: tuple[Part, ...] = ("person",)

_TABLE: Mapping[type[Payload], tuple[Part, ...]] = {
    events.LeadCaptured: _BOTH,
    events.LeadUpdated: _BOTH,
    events.LeadConverted: _BOTH,
    events.AppointmentBooked: _BOTH,
    events.AppointmentRescheduled: _BOTH,
    events.AppointmentCancelled: _BOTH,
    events.AppointmentCompleted: _BOTH,
    events.DealStageChanged: _BOTH,
    events.TouchSent: _BOTH,
    events.TouchDeferred: _BOTH,
    events.TouchFailed: _BOTH,
    events.TouchSkipped: _BOTH,
    events.TouchUnknown: _BOTH,
    events.TouchDelivered: _BOTH,
    events.TouchBounced: _BOTH,
    events.TouchClicked: _PERSON,
    events.CallFinished: _BOTH,
    events.ReplyReceived: _BOTH,
    events.MessageWritten: _BOTH,
    events.MessageUpdated: _BOTH,
    events.ContactOptedOut: _PERSON,
    events.ContactOptedIn: _PERSON,
    events.SequenceEnrolled: _BOTH,
    events.SequenceHalted: _BOTH,
    events.SequenceBranched: _BOTH,
    events.SequenceCompleted: _BOTH,
    events.TaskCreated: _BOTH,
    events.TaskCompleted: _BOTH,
    events.TaskReminded: _BOTH,
    events.LeadHandedOff: _BOTH,
}

TESTED = "followup.endpoint.tested.v1"
"""An event that tells of nothing, sent for an endpoint to be tried out. Never on the bus."""

TOLD: Mapping[str, tuple[Part, ...]] = MappingProxyType(
    {payload.type_name: parts for payload, parts in _TABLE.items()}
)
"""type → the records that stand in its body, as they are when it is sent."""
