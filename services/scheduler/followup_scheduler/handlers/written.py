"""Messages that somebody of ours wrote: touches of no run, sent at once or when they may.

Their touch has the message's id, which stands for its enrollment too. Everything else
(timers, windows, rounds, the reconciler) is as for any touch; what becomes of one is told
by `message.updated`.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import structlog

from followup_contracts.events import (
    MessageUpdated,
    MessageWritten,
    TouchDeferred,
    TouchFailed,
    TouchSent,
    TouchSkipped,
    TouchUnknown,
)
from followup_database import Transaction
from followup_messaging.outbox import Outbox
from followup_scheduler.core.model import TouchKey
from followup_scheduler.handlers.answering import Outcome, counts
from followup_scheduler.store import timers, touches
from followup_scheduler.touch import Timer, Touch

STEP = "answer"
GOOD_FOR = timedelta(days=3)
"""How long a message waits for an hour that is open; later it would come out of the blue."""
CONFIRMATION = "confirmation"
CONFIRMED_WITHIN = timedelta(minutes=5)
"""A confirmation that comes later is no part of the consent it confirms the end of
(47 CFR 64.1200(a)(12))."""

_log = structlog.get_logger()


class Messages:
    """Has them sent, and tells what becomes of them."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    async def send(self, tx: Transaction, written: Sequence[tuple[UUID, MessageWritten]]) -> None:
        """Have these sent as soon as they may; (tenant, message). One known already is not."""
        known = await touches.existing(tx, [word.message_id for _, word in written])
        fresh = {
            word.message_id: _touch(tenant_id, word)
            for tenant_id, word in written
            if word.message_id not in known
        }
        if not fresh:
            return
        for touch in fresh.values():
            touch.due_at = tx.now
            by = "by itself" if touch.key.step == CONFIRMATION else "by a person"
            touch.note(tx.now, "planned", **{"for": tx.now.isoformat(), "written": by})
        await touches.insert(tx, list(fresh.values()))
        await timers.set_(tx, [_timer(touch) for touch in fresh.values()])

    async def settle(self, tx: Transaction, outcomes: Sequence[tuple[UUID, Outcome]]) -> None:
        """Apply the dispatcher's answers, (tenant, answer), in the order in which they came."""
        if not outcomes:
            return
        found = await touches.lock_of(tx, dict.fromkeys((o.touch_id for _, o in outcomes), 0))
        known = {touch.id: touch for touch in found}
        armed: dict[UUID, Timer | None] = {}
        told: dict[UUID, MessageUpdated] = {}
        for tenant_id, outcome in sorted(outcomes, key=lambda pair: (pair[1].at, pair[1].round)):
            touch = known.get(outcome.touch_id)
            if touch is None or touch.tenant_id != tenant_id:
                _log.info("outcome of no message of ours", touch=str(outcome.touch_id))
            elif counts(touch, outcome):
                armed[touch.id] = _apply(touch, outcome)
                if touch.key.step == STEP:  # nobody waits to hear of a confirmation
                    told[touch.id] = _update(outcome)
        if not armed:
            return
        await touches.update(tx, [known[id_] for id_ in armed])
        await timers.clear(tx, [id_ for id_, timer in armed.items() if timer is None])
        await timers.set_(tx, [timer for timer in armed.values() if timer is not None])
        await self._outbox.add(
            tx,
            [
                self._outbox.message(
                    told[id_], tenant_id=known[id_].tenant_id, subject=id_, time=tx.now
                )
                for id_ in told
            ],
        )


def _touch(tenant_id: UUID, word: MessageWritten) -> Touch:
    step = CONFIRMATION if word.confirms else STEP
    return Touch(
        id=word.message_id,
        tenant_id=tenant_id,
        enrollment_id=word.message_id,
        lead_id=word.lead_id,
        person_id=word.person_id,
        sequence="",
        version=0,
        key=TouchKey(step, 0, word.channel),
        state="planned",
        epoch=0,
        lane="now",
        content="",
        template=word.template,
        contact_round=f"{word.message_id}:{step}",
        wanted_at=word.at,
        not_after=word.at + (CONFIRMED_WITHIN if word.confirms else GOOD_FOR),
    )


def _timer(touch: Touch, *, reason: str | None = None) -> Timer:
    """Ask for it when it is due; with its place in the window, where it has one."""
    if touch.due_at is None:
        raise ValueError("a message is due at no time")
    channel = None if touch.outstanding else touch.key.channel
    return Timer(
        touch.id, touch.tenant_id, touch.lane, "touch", touch.due_at, reason, channel=channel
    )


def _apply(touch: Touch, outcome: Outcome) -> Timer | None:
    """One answer about one message; the timer it has from now on."""
    if isinstance(outcome, TouchDeferred):
        return _defer(touch, outcome)
    touch.outstanding, touch.settled_at = False, outcome.at
    match outcome:
        case TouchSent():
            touch.state, touch.reason = "sent", None
            touch.note(outcome.at, "sent", provider=outcome.provider, round=outcome.round)
        case TouchFailed():
            touch.state, touch.reason = "failed", outcome.reason
            touch.note(outcome.at, "failed", code=outcome.code, reason=outcome.reason)
        case TouchSkipped():
            touch.state, touch.reason = "skipped", outcome.reason
            touch.note(outcome.at, "skipped", rule=outcome.rule, reason=outcome.reason)
        case TouchUnknown():
            touch.state, touch.reason = "unknown", outcome.reason
            touch.note(outcome.at, "unknown", reason=outcome.reason)
    return None


def _defer(touch: Touch, outcome: TouchDeferred) -> Timer | None:
    touch.note(
        outcome.at,
        "deferred",
        kind=outcome.kind,
        rule=outcome.rule,
        reason=outcome.reason,
        until=outcome.not_before.isoformat(),
    )
    if touch.state == "cancelled":  # its person was erased meanwhile
        touch.close_round()
        return None
    touch.state, touch.due_at = "planned", outcome.not_before
    touch.settled_at, touch.reason = None, outcome.reason
    touch.outstanding = outcome.outstanding
    return _timer(touch, reason=outcome.rule)


def _update(outcome: Outcome) -> MessageUpdated:
    more: dict[str, object] = {}
    match outcome:
        case TouchSent():
            more = {"state": "sent"}
        case TouchFailed():
            more = {"state": "failed", "rule": outcome.code, "reason": outcome.reason}
        case TouchSkipped():
            more = {"state": "skipped", "rule": outcome.rule, "reason": outcome.reason}
        case TouchUnknown():
            more = {"state": "unknown", "reason": outcome.reason}
        case TouchDeferred():
            more = {
                "state": "waiting",
                "rule": outcome.rule,
                "reason": outcome.reason,
                "not_before": outcome.not_before,
            }
    return MessageUpdated.model_validate(
        {
            "message_id": outcome.touch_id,
            "lead_id": outcome.lead_id,
            "person_id": outcome.person_id,
            "channel": outcome.channel,
            "at": outcome.at,
            **more,
        }
    )
