"""`touch.delivered | touch.bounced | call.finished`: what providers tell afterwards."""

from collections.abc import Sequence
from datetime import datetime

from followup_contracts import Message
from followup_contracts.events import CallFinished, TouchBounced, TouchDelivered
from followup_database import Transaction
from followup_scheduler.consequences import settle, tell
from followup_scheduler.core.model import CallEnded
from followup_scheduler.core.touches import may_become
from followup_scheduler.handlers.belonging import addressed
from followup_scheduler.runs import Run, RunStore
from followup_scheduler.touch import Touch

Feedback = TouchDelivered | TouchBounced | CallFinished


class ProviderFeedback:
    """Adds feedback to touches, and lets enrollments go on when a call has ended."""

    def __init__(self, runs: RunStore) -> None:
        self._runs = runs

    async def handle(self, tx: Transaction, messages: Sequence[Message]) -> None:
        """Apply this feedback in the order in which it happened."""
        several = [(message.tenant_id, feedback_of(message)) for message in messages]
        runs = await self._runs.load(tx, {feedback.enrollment_id for _, feedback in several})
        for tenant_id, feedback in sorted(several, key=lambda pair: pair[1].at):
            about = addressed(runs, feedback.enrollment_id, feedback.touch_id, tenant_id=tenant_id)
            if about is not None:
                apply(*about, feedback, now=tx.now)
        await self._runs.save(tx, runs.values())


def feedback_of(message: Message) -> Feedback:
    """The feedback in a message; anything else has no business in this queue."""
    if not isinstance(message.data, Feedback):
        raise TypeError(f"{message.type} is not for this handler")
    return message.data


def apply(run: Run, touch: Touch, feedback: Feedback, *, now: datetime) -> None:
    """One piece of feedback about one touch of a run."""
    match feedback:
        case TouchDelivered():
            _report(run, touch, feedback.at, now=now)
            touch.note(feedback.at, "delivered")
            run.change(touch)
        case TouchBounced():
            _report(run, touch, feedback.at, now=now)
            touch.note(feedback.at, "bounced", code=feedback.code, permanent=feedback.permanent)
            touch.reason = f"bounced: {feedback.code}"
            run.change(touch)
        case CallFinished() if touch.call_result is None:
            _end_call(run, touch, feedback, now=now)
        case CallFinished():
            pass  # it has ended once


def _report(run: Run, touch: Touch, at: datetime, *, now: datetime) -> None:
    """What is reported on went out, unless it is known that it did not.

    The dispatcher's own word may come later; or it never knew, or took it for absent.
    """
    if may_become(touch.state, "sent"):
        _went_out(run, touch, at, now=now)


def _went_out(run: Run, touch: Touch, at: datetime, *, now: datetime) -> None:
    touch.note(at, "sent")
    settle(run, touch, "sent", at=at, reason=None, now=now)


def _end_call(run: Run, touch: Touch, ended: CallFinished, *, now: datetime) -> None:
    if touch.state != "sent":
        # It ended, so it went out, whatever we were told.
        _went_out(run, touch, ended.at, now=now)
    touch.note(ended.at, "call ended", result=ended.result, seconds=ended.duration_seconds)
    tell(run, CallEnded(touch.key, ended.result, ended.at), now=now)
    if touch.call_result is None:
        touch.call_result = ended.result
    run.change(touch)
