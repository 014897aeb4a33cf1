"""Which messages there are, and which services read each of them.

The outbox keeps an event until every service named here has handled it.
"""

from collections.abc import Mapping
from types import MappingProxyType

from followup_contracts import commands, events, ingress
from followup_contracts.payload import Payload

_CLASSES: tuple[type[Payload], ...] = (
    events.LeadCaptured,
    events.LeadUpdated,
    events.LeadConverted,
    events.AppointmentBooked,
    events.AppointmentRescheduled,
    events.AppointmentCancelled,
    events.AppointmentCompleted,
    events.DealStageChanged,
    events.TouchSent,
    events.TouchDeferred,
    events.TouchFailed,
    events.TouchSkipped,
    events.TouchUnknown,
    events.TouchDelivered,
    events.TouchBounced,
    events.TouchClicked,
    events.CallFinished,
    events.ReplyReceived,
    events.MessageWritten,
    events.MessageUpdated,
    events.ContactOptedOut,
    events.ContactOptedIn,
    events.SequenceEnrolled,
    events.SequenceHalted,
    events.SequenceBranched,
    events.SequenceCompleted,
    events.TaskCreated,
    events.TaskCompleted,
    events.TaskReminded,
    events.LeadHandedOff,
    commands.SendTouch,
    ingress.LeadSubmitted,
    ingress.LeadEventSubmitted,
)

MESSAGES: Mapping[str, type[Payload]] = MappingProxyType({c.type_name: c for c in _CLASSES})

_SCHEDULER = frozenset({"scheduler"})
_FEEDBACK = frozenset({"scheduler", "dispatcher"})

CONSUMERS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        events.LeadCaptured.type_name: _SCHEDULER,
        events.LeadUpdated.type_name: _SCHEDULER,
        events.LeadConverted.type_name: _SCHEDULER,
        events.AppointmentBooked.type_name: _SCHEDULER,
        events.AppointmentRescheduled.type_name: _SCHEDULER,
        events.AppointmentCancelled.type_name: _SCHEDULER,
        events.AppointmentCompleted.type_name: _SCHEDULER,
        events.DealStageChanged.type_name: _SCHEDULER,
        events.TouchSent.type_name: frozenset({"scheduler", "replies"}),
        events.TouchDeferred.type_name: _SCHEDULER,
        events.TouchFailed.type_name: _SCHEDULER,
        events.TouchSkipped.type_name: _SCHEDULER,
        events.TouchUnknown.type_name: frozenset({"scheduler", "replies"}),
        events.TouchDelivered.type_name: _FEEDBACK,
        events.TouchBounced.type_name: _FEEDBACK,
        events.CallFinished.type_name: _FEEDBACK,
        events.ReplyReceived.type_name: _SCHEDULER,
        events.MessageWritten.type_name: _SCHEDULER,
        events.MessageUpdated.type_name: frozenset({"replies"}),
        events.ContactOptedOut.type_name: _SCHEDULER,
        events.ContactOptedIn.type_name: _SCHEDULER,
    }
)
"""type → services of ours that must handle it. What is not named here is published
for whoever listens, and nobody of ours is waited for."""
