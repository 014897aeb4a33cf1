"""Exchanges, queues and bindings: declared whole by every service that connects.

Redeclaring is harmless, and a broker that comes back empty is whole again as soon as
one service has connected.
"""

from dataclasses import dataclass

from followup_contracts import commands, events
from followup_contracts.payload import CHANNELS, LANES, Payload

INGRESS = "followup.ingress"
EVENTS = "followup.events"
COMMANDS = "followup.commands"
EXCHANGES = (INGRESS, EVENTS, COMMANDS)

COMMAND_TTL_MS = 30_000
"""A command nobody took in 30 s is dropped; the reconciler commands again after 60 s."""


@dataclass(frozen=True, slots=True)
class Queue:
    """A quorum queue of one service, bound to one exchange."""

    name: str
    service: str
    exchange: str
    bindings: tuple[str, ...]
    ttl_ms: int | None = None


def _keys(*payloads: type[Payload]) -> tuple[str, ...]:
    return tuple(p.type_name.removeprefix("followup.") for p in payloads)


_TOUCH_RESULTS = _keys(
    events.TouchSent,
    events.TouchDeferred,
    events.TouchFailed,
    events.TouchSkipped,
    events.TouchUnknown,
)
_FEEDBACK = _keys(events.TouchDelivered, events.TouchBounced, events.CallFinished)
_REPLIES = _keys(
    events.ReplyReceived, events.MessageWritten, events.ContactOptedOut, events.ContactOptedIn
)
_PRODUCT = _keys(
    events.LeadUpdated,
    events.LeadConverted,
    events.AppointmentBooked,
    events.AppointmentRescheduled,
    events.AppointmentCancelled,
    events.AppointmentCompleted,
    events.DealStageChanged,
)
_CAPTURED = _keys(events.LeadCaptured)[0]
_SEND = _keys(commands.SendTouch)[0]

QUEUES: tuple[Queue, ...] = (
    Queue("intake.ingress", "intake", INGRESS, ("#",)),
    *(
        Queue(f"scheduler.leads.{lane}", "scheduler", EVENTS, (f"{_CAPTURED}.{lane}",))
        for lane in LANES
    ),
    Queue("scheduler.touches", "scheduler", EVENTS, _TOUCH_RESULTS),
    Queue("scheduler.feedback", "scheduler", EVENTS, _FEEDBACK),
    Queue("scheduler.replies", "scheduler", EVENTS, _REPLIES),
    Queue("scheduler.product", "scheduler", EVENTS, _PRODUCT),
    Queue("dispatcher.feedback", "dispatcher", EVENTS, _FEEDBACK),
    Queue("replies.sent", "replies", EVENTS, _keys(events.TouchSent, events.TouchUnknown)),
    Queue("replies.messages", "replies", EVENTS, _keys(events.MessageUpdated)),
    *(
        Queue(
            f"dispatcher.{channel}.{lane}",
            "dispatcher",
            COMMANDS,
            (f"{_SEND}.{channel}.{lane}",),
            ttl_ms=COMMAND_TTL_MS,
        )
        for channel in CHANNELS
        for lane in LANES
    ),
)


def exchange_of(payload: Payload) -> str:
    """Where a payload is published."""
    return exchange_of_type(type(payload))


def exchange_of_type(payload: type[Payload]) -> str:
    """Where payloads of a type are published."""
    if payload is commands.SendTouch:
        return COMMANDS
    if payload.__module__.endswith(".ingress"):
        return INGRESS
    return EVENTS
