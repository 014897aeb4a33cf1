"""`touch.delivered | touch.bounced | call.finished`: what providers tell afterwards."""

from collections.abc import Sequence
from datetime import datetime

import structlog

from followup_contracts import Message
from followup_contracts.events import CallFinished, TouchBounced, TouchDelivered
from followup_database import Transaction
from followup_scheduler.consequences import settle, tell
from followup_scheduler.core.model import CallEnded
from followup_scheduler.core.touches import may_become
from followup_scheduler.runs import Run, RunStore
from followup_scheduler.touch import Touch

Feedback = TouchDelivered | TouchBounced | CallFinished

_log = structlog.get_logger()


class ProviderFeedback:
    """Adds feedback to touches, and lets enrollments go on when a call has ended."""

    def __init__(self, runs: RunStore) -> None:
        self._runs = runs

    async def handle(self, tx: Transaction, messages: Sequence[Message]) -> None:
        """Apply this feedback in the order in which it happened."""
        several = [feedback_of(message) for message in messages]
        runs = await self._runs.load(tx, {feedback.enrollment_id for feedback in several})
        for feedback in sorted(several, key=lambda f: f.at):
            run = runs.get(feedback.enrollment_id)
            touch = None if run is None else run.touch(feedback.touch_id)
            if run is None or touch is None:
                _log.info("feedback about no touch of ours", touch=str(feedback.touch_id))
                continue
            apply(run, touch, feedback, now=tx.now)
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
