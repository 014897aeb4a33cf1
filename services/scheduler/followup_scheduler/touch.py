"""A touch as the scheduler stores it, and the command that asks for it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from followup_contracts.commands import SendTouch
from followup_contracts.events import CallResult
from followup_contracts.payload import Channel, Lane
from followup_scheduler.core.model import FINAL_TOUCH_STATES, TouchKey, TouchRecord, TouchState

LANE_NUMBERS: dict[Lane, int] = {"now": 0, "later": 1}


@dataclass(slots=True)
class Touch:
    """One planned contact. Its id is the idempotency key of everything that follows.

    `content` names the text in the sequence document, `template` is the text's hash.
    `priority` is its sequence's; `compared`: its text is one of several. `utc_offset`: where its
    hours are compared, how many minutes its person's clock is ahead. `outstanding`
    says that it takes a place in its tenant's window: commanded, or deferred by a rate.
    `news` are trace entries that are not stored yet.
    """

    id: UUID
    tenant_id: UUID
    enrollment_id: UUID
    lead_id: UUID
    person_id: UUID
    sequence: str
    version: int
    key: TouchKey
    state: TouchState
    epoch: int
    lane: Lane
    content: str
    template: str
    contact_round: str
    transactional: bool = False
    priority: int = 50
    compared: bool = False
    utc_offset: int | None = None
    round: int = 0
    wanted_at: datetime | None = None
    due_at: datetime | None = None
    not_after: datetime | None = None
    outstanding: bool = False
    settled_at: datetime | None = None
    call_result: CallResult | None = None
    reason: str | None = None
    news: list[dict[str, Any]] = field(default_factory=list)

    @property
    def final(self) -> bool:
        """Whether the state is one a touch does not leave."""
        return self.state in FINAL_TOUCH_STATES

    @property
    def answer(self) -> bool:
        """Whether somebody of ours wrote it: it belongs to no run, and has the name of its own."""
        return self.enrollment_id == self.id

    def record(self) -> TouchRecord:
        """What its enrollment remembers of it."""
        return TouchRecord(
            self.key,
            self.state,
            self.settled_at,
            self.call_result,
            self.reason,
            due_at=self.due_at,
            text=self.content,
        )

    def close_round(self) -> None:
        """Let no "unknown" of this round count any more, for it has been answered.

        An "unknown" that was said before what freed its attempt, and comes only now, would stand
        for ever. That it was sent counts whatever the round.
        """
        self.round += 1

    def note(self, at: datetime, what: str, **more: Any) -> None:
        """Add to the trace: what happened, and why."""
        self.news.append({"at": at.isoformat(), "what": what, **more})

    def command(self) -> SendTouch:
        """The command for its present round."""
        if self.due_at is None:
            raise ValueError("a touch that is due at no time cannot be commanded")
        return SendTouch(
            touch_id=self.id,
            enrollment_id=self.enrollment_id,
            lead_id=self.lead_id,
            person_id=self.person_id,
            channel=self.key.channel,
            lane=self.lane,
            round=self.round,
            epoch=self.epoch,
            sequence=self.sequence,
            version=self.version,
            step=self.key.step,
            contact_round=self.contact_round,
            template=self.template,
            transactional=self.transactional,
            answer=self.answer,
            due_at=self.due_at,
            not_after=self.not_after,
        )


Line = tuple[UUID, Channel]
"""Tenant and channel: what a window is counted for."""


TimerKind = Literal["touch", "wake", "remind", "lapse"]


@dataclass(frozen=True, slots=True)
class Timer:
    """When to do what, one per target.

    Ask for a touch, wake an enrollment, remind of a task, give up waiting for an approval.

    `channel` is that of a touch which still needs a place in its window; a touch that
    has one (deferred by a rate) has none here and never waits for room.
    """

    target: UUID
    tenant_id: UUID
    lane: Lane
    kind: TimerKind
    due_at: datetime
    reason: str | None = None
    channel: Channel | None = None
