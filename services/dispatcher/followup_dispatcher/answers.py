"""What the dispatcher answers: the events that end a command."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from followup_contracts.commands import SendTouch
from followup_contracts.envelope import Message
from followup_contracts.events import (
    TouchDeferred,
    TouchFailed,
    TouchSent,
    TouchSkipped,
    TouchUnknown,
)
from followup_contracts.payload import Payload
from followup_database import new_id
from followup_dispatcher.core.verdict import Defer, Skip
from followup_dispatcher.ledger import Entry


def command_of(message: Message) -> SendTouch:
    """The command in a message of a command queue."""
    if not isinstance(message.data, SendTouch):
        raise TypeError(f"{message.type} on a command queue")
    return message.data


def _of(touch: SendTouch | Entry) -> dict[str, Any]:
    """What every answer says of its touch."""
    return {
        "touch_id": touch.touch_id,
        "enrollment_id": touch.enrollment_id,
        "lead_id": touch.lead_id,
        "person_id": touch.person_id,
        "channel": touch.channel,
        "round": touch.round,
    }


def turned_down(message: Message, why: Defer | Skip, now: datetime) -> Message:
    """Not now, or never: what is told of a command by which nothing was sent."""
    said = _of(command_of(message)) | {"at": now, "rule": why.rule, "reason": why.reason}
    payload: Payload
    match why:
        case Defer():
            payload = TouchDeferred(**said, kind=why.kind, not_before=why.not_before)
        case Skip():
            payload = TouchSkipped(**said)
    return publish(message, payload, now)


def failed(message: Message, *, code: str, reason: str, now: datetime) -> TouchFailed:
    """The touch cannot be sent at all, and no provider was called."""
    command = command_of(message)
    return TouchFailed(
        **_of(command),
        at=now,
        code=code,
        reason=reason,
    )


def of_entry(entry: Entry, now: datetime) -> Payload | None:
    """What the ledger says of an attempt; None while its call is under way.

    An attempt that was refused for now (`retry_later`) has no answer of its own here:
    the deferral was published when it was recorded.
    """
    match entry.state:
        case "accepted":
            return sent(entry)
        case "refused":
            return refused(entry, now)
        case "unknown":
            return unknown(entry, now)
        case "claimed" | "retry_later":
            return None


def sent(entry: Entry) -> TouchSent:
    """A provider has it, since the moment of the claim."""
    return TouchSent(
        **_of(entry),
        at=entry.claimed_at,
        attempt_id=entry.id,
        account_id=entry.account_id,
        provider=entry.provider,
        provider_ref=entry.provider_ref,
        sender=entry.sender,
        segments=entry.segments,
    )


def refused(entry: Entry, now: datetime) -> TouchFailed:
    """A provider will never send it."""
    return TouchFailed(
        **_of(entry),
        at=now,
        attempt_id=entry.id,
        code=entry.code or "refused",
        reason=entry.reason or "",
    )


def unknown(entry: Entry, now: datetime) -> TouchUnknown:
    """Nobody knows yet."""
    return TouchUnknown(
        **_of(entry),
        at=now,
        attempt_id=entry.id,
        reason=entry.reason or "",
    )


def later(
    entry: Entry, *, not_before: datetime, now: datetime, crowded: bool = False
) -> TouchDeferred:
    """A provider certainly did not accept it, and it may be tried again.

    One turned away because its account is asked for too much is deferred by a rate.
    """
    return TouchDeferred(
        **_of(entry),
        at=now,
        kind="rate" if crowded else "provider",
        rule=f"provider:{entry.code or 'retry'}",
        reason=entry.reason or "",
        not_before=not_before,
    )


def from_ledger(message: Message, entry: Entry, now: datetime) -> Message | None:
    """The answer to a command whose touch the ledger already holds; None: wait for it.

    It carries the round of this command, so that the scheduler knows it for current.
    """
    payload = of_entry(replace(entry, round=command_of(message).round), now)
    return None if payload is None else publish(message, payload, now)


def publish(cause: Message, payload: Payload, now: datetime) -> Message:
    """An event about the touch that `cause` is about."""
    return replace(cause, id=new_id(), source="followup/dispatcher", time=now, data=payload)


def event(entry: Entry, payload: Payload, now: datetime) -> Message:
    """An event about the touch of a ledger entry."""
    return Message.of(
        payload,
        id=new_id(),
        tenant_id=entry.tenant_id,
        source="dispatcher",
        subject=entry.touch_id,
        time=now,
    )
