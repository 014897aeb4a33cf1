"""`touch.sent | deferred | failed | skipped | unknown`: the dispatcher's answers.

They may come twice, late and out of order. A final answer counts whatever its round;
`deferred`, `unknown` and `superseded` count for the round that was asked for last. What
frees an unknown touch settles an attempt of any round, and counts whatever its own.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from followup_contracts import Message
from followup_contracts.events import (
    TouchDeferred,
    TouchFailed,
    TouchSent,
    TouchSkipped,
    TouchUnknown,
)
from followup_database import Transaction
from followup_scheduler.consequences import settle
from followup_scheduler.core.model import FactsUnread
from followup_scheduler.handlers.answering import Outcome, counts, of_message, outcome_of
from followup_scheduler.handlers.belonging import addressed
from followup_scheduler.handlers.written import Messages
from followup_scheduler.runs import Run, RunStore
from followup_scheduler.touch import Timer, Touch

_CLOSED = ("no_contact_point", "suppressed", "consent", "window", "house:none")
"""Rules by which nobody is reached on a channel, however long one waits."""


class TouchOutcomes:
    """Tells enrollments what became of their touches."""

    def __init__(self, runs: RunStore) -> None:
        self._runs = runs
        self._messages = Messages(runs.outbox)

    async def handle(self, tx: Transaction, messages: Sequence[Message]) -> None:
        """Apply these answers in the order in which they happened.

        The facts are read for those runs alone that plan something: a touch that was put
        off, or the last of a sequence, turns on none.
        """
        several = [(message.tenant_id, outcome_of(message)) for message in messages]
        outcomes = [pair for pair in several if not of_message(pair[1])]
        ids = {outcome.enrollment_id for _, outcome in outcomes}
        runs = await self._runs.load(tx, ids, informed=False)
        unread: dict[UUID, Run] = {}
        waiting: list[tuple[Run, Touch, Outcome]] = []
        for tenant_id, outcome in sorted(outcomes, key=lambda pair: (pair[1].at, pair[1].round)):
            about = addressed(runs, outcome.enrollment_id, outcome.touch_id, tenant_id=tenant_id)
            if about is None:
                continue
            run, touch = about
            if outcome.enrollment_id not in unread:
                try:
                    apply(run, touch, outcome, now=tx.now)
                    continue
                except FactsUnread:
                    unread[outcome.enrollment_id] = run
            waiting.append((run, touch, outcome))
        if unread:
            await self._runs.inform(tx, unread.values())
        for run, touch, outcome in waiting:
            apply(run, touch, outcome, now=tx.now)
        await self._runs.save(tx, runs.values())
        await self._messages.settle(tx, [pair for pair in several if of_message(pair[1])])


def apply(run: Run, touch: Touch, outcome: Outcome, *, now: datetime) -> None:
    """One answer about one touch of a run; it raises before it changes anything."""
    if not counts(touch, outcome):
        return
    match outcome:
        case TouchSent():
            settle(run, touch, "sent", at=outcome.at, reason=None, now=now)
            _note_sent(touch, outcome)
        case TouchFailed():
            settle(run, touch, "failed", at=outcome.at, reason=outcome.reason, now=now)
            touch.note(outcome.at, "failed", code=outcome.code, reason=outcome.reason)
        case TouchSkipped():
            closed = outcome.rule.startswith(_CLOSED)
            settle(
                run, touch, "skipped", at=outcome.at, reason=outcome.reason, now=now, closed=closed
            )
            touch.note(outcome.at, "skipped", rule=outcome.rule, reason=outcome.reason)
        case TouchUnknown():
            settle(run, touch, "unknown", at=outcome.at, reason=outcome.reason, now=now)
            touch.note(outcome.at, "unknown", reason=outcome.reason)
        case TouchDeferred():
            defer(run, touch, outcome)


def defer(run: Run, touch: Touch, outcome: TouchDeferred) -> None:
    """Arm a touch again for the moment the dispatcher named.

    One that was unknown and that its enrollment does not wait for any more ends: it
    would go out after what follows it, or in spite of a pause. (A pause that ends plans
    the step's touch anew.)
    """
    touch.note(
        outcome.at,
        "deferred",
        kind=outcome.kind,
        rule=outcome.rule,
        reason=outcome.reason,
        until=outcome.not_before.isoformat(),
    )
    given_up = _given_up(run, touch)
    if touch.state == "cancelled":
        touch.close_round()
    elif given_up is None:
        _arm(run, touch, outcome)
    else:
        touch.close_round()
        touch.note(outcome.at, "cancelled", reason=given_up)
        touch.state, touch.settled_at, touch.reason = "cancelled", outcome.at, given_up
        touch.outstanding = False
        run.timers[touch.id] = None
    run.change(touch)


def _given_up(run: Run, touch: Touch) -> str | None:
    """Why an enrollment does not want a touch any more, or None."""
    if run.enrollment.state != "active":
        return f"freed while the sequence was {run.enrollment.state}"
    if run.enrollment.step != touch.key.step:
        return f"freed after the sequence had gone on from {touch.key.step}"
    return None


def _arm(run: Run, touch: Touch, outcome: TouchDeferred) -> None:
    touch.state, touch.due_at = "planned", outcome.not_before
    touch.settled_at, touch.reason = None, outcome.reason
    touch.outstanding = outcome.outstanding
    # A cut leaves what is unknown alone, so its epoch may be one that does not count now.
    touch.epoch = run.enrollment.epoch
    run.timers[touch.id] = Timer(
        touch.id,
        touch.tenant_id,
        touch.lane,
        "touch",
        outcome.not_before,
        outcome.rule,
        channel=None if touch.outstanding else touch.key.channel,
    )


def _note_sent(touch: Touch, outcome: TouchSent) -> None:
    touch.note(
        outcome.at,
        "sent",
        provider=outcome.provider,
        account=str(outcome.account_id),
        attempt=str(outcome.attempt_id),
        round=outcome.round,
    )
