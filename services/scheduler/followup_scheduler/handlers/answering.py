"""The dispatcher's answers, and which of them still say something."""

from followup_contracts import Message
from followup_contracts.events import (
    TouchDeferred,
    TouchFailed,
    TouchSent,
    TouchSkipped,
    TouchUnknown,
)
from followup_scheduler.core.touches import may_become
from followup_scheduler.touch import Touch

Outcome = TouchSent | TouchDeferred | TouchFailed | TouchSkipped | TouchUnknown


def outcome_of(message: Message) -> Outcome:
    """The answer in a message; anything else has no business in this queue."""
    if not isinstance(message.data, Outcome):
        raise TypeError(f"{message.type} is not for this handler")
    return message.data


def of_message(outcome: Outcome) -> bool:
    """Whether it is about a message that somebody of ours wrote: a touch of no run."""
    return outcome.enrollment_id == outcome.touch_id


def counts(touch: Touch, outcome: Outcome) -> bool:
    """Whether an answer still says something about the touch as it stands."""
    current = outcome.round == touch.round
    match outcome:
        case TouchSent():
            return may_become(touch.state, "sent")
        case TouchFailed():
            return may_become(touch.state, "failed")
        case TouchSkipped(rule="superseded"):
            # Said of one command; a later one of the same touch may still stand.
            return current and may_become(touch.state, "skipped")
        case TouchSkipped():
            return may_become(touch.state, "skipped")
        case TouchUnknown():
            # Planned again means that what was unknown has been resolved since.
            return current and touch.state in ("commanded", "cancelled")
        case TouchDeferred():
            # One by the provider says of an attempt, of whatever round, that it did not go
            # out. Should a later one be unknown, the ledger answers the next command so.
            freed = touch.state == "unknown" and outcome.kind == "provider"
            over = touch.state == "cancelled" and outcome.kind == "provider"
            return freed or (current and (over or touch.state in ("commanded", "unknown")))
