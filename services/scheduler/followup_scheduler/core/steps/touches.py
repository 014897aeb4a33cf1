"""A round of touches: the step that contacts somebody."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Protocol

from pydantic import Field

from followup_contracts.payload import Channel
from followup_scheduler.core import memory, touches
from followup_scheduler.core.format.limits import Limits
from followup_scheduler.core.format.touch import ChannelRule, Touch
from followup_scheduler.core.model import (
    OPEN_TOUCH_STATES,
    Enrollment,
    TouchKey,
    TouchRecord,
    Wake,
)
from followup_scheduler.core.rounds import Round
from followup_scheduler.core.steps.shape import StepShape

if TYPE_CHECKING:
    from followup_scheduler.core.draft import Draft

CALL = "call result"
UNKNOWN = "unknown outcome"
_ANOTHER_DAY = timedelta(days=1)
"""An anchor that moved so far is another occasion, of which people are reminded again."""


class _Whole(Protocol):
    @property
    def transactional(self) -> bool: ...


class TouchStep(StepShape):
    """A moment and its touches: one round, at most one touch a channel.

    `transactional` exempts it from R1, R6 and R12, or does not, whatever its sequence says.
    """

    touches: Annotated[tuple[Touch, ...], Field(min_length=1, max_length=3)]
    transactional: bool | None = None

    def asks_about(self) -> frozenset[str]:
        """The steps its conditions and channels depend on."""
        return super().asks_about().union(*(touch.asks_about() for touch in self.touches))

    @cached_property
    def ways(self) -> tuple[tuple[Touch, frozenset[Channel]], ...]:
        """Its touches, each with the channels that it may go on."""
        fixed = self.fixed()
        return tuple(
            (
                touch,
                frozenset(touch.candidates()) - fixed
                if isinstance(touch.channel, ChannelRule)
                else frozenset({touch.channel}),
            )
            for touch in self.touches
        )

    def fixed(self) -> frozenset[Channel]:
        """The channels of touches that name theirs."""
        return frozenset(
            touch.channel for touch in self.touches if not isinstance(touch.channel, ChannelRule)
        )

    def is_reminder(self) -> bool:
        """Whether it comes before what it is about, and never after."""
        return self.moment.before is not None or self.moment.days_before is not None

    def is_transactional(self, sequence: _Whole) -> bool:
        """Whether it is what somebody asked for by booking."""
        return sequence.transactional if self.transactional is None else self.transactional

    def standing(self, channels: frozenset[Channel], run: Enrollment) -> TouchRecord | None:
        """What speaks, in this time round, for the touch that may go on these channels."""
        since = memory.since(run, self.id)
        return touches.standing(run, step=self.id, channels=channels, since=since)

    def enter(self, draft: "Draft") -> None:
        """Plan what is to go, once its anchor is known."""
        if memory.ended(draft.enrollment, self.id) is not None:
            return
        anchor = draft.await_anchor(self)
        if anchor is None:
            return
        if self.is_reminder():
            self._count_from(draft, anchor)
        if draft.holds(self.when):
            Round(draft, self, anchor).plan()

    def look(self, draft: "Draft") -> None:
        """Its touches speak for themselves; only an anchor is looked for, or another channel."""
        run = draft.enrollment
        if memory.UNTIL in memory.noted(run, self.id) or self._falls_back(run):
            self.enter(draft)

    def may_fall_back(self, run: Enrollment, key: TouchKey) -> bool:
        """Whether a touch of this time round may go on another channel than its own."""
        return key.occurrence >= memory.since(run, self.id) and len(self._one_of(key.channel)) > 1

    def close(self, draft: "Draft", channel: Channel) -> None:
        """Note that nobody is reached on a channel."""
        found = memory.closed(draft.enrollment, self.id) | {channel}
        draft.note(self.id, **{memory.CLOSED: sorted(found)})

    def lacks(self, channels: frozenset[Channel], run: Enrollment) -> bool:
        """Whether a touch that may go on these is still to be planned, or planned elsewhere.

        Elsewhere: nobody was reached on its channel, and there is one it was not tried on.
        """
        found = self.standing(channels, run)
        if found is None or found.state == "cancelled":
            return True
        closed = memory.closed(run, self.id)
        turned_away = found.state in ("failed", "skipped") and found.key.channel in closed
        return turned_away and not channels <= closed

    def _falls_back(self, run: Enrollment) -> bool:
        return bool(memory.closed(run, self.id)) and any(
            self.standing(channels, run) is not None and self.lacks(channels, run)
            for _, channels in self.ways
        )

    def is_open(self, run: Enrollment) -> bool:
        """While a touch has no outcome, or its anchor is not known."""
        waiting = memory.UNTIL in memory.noted(run, self.id)
        return waiting or any(t.state in OPEN_TOUCH_STATES for t in self._standing(run))

    def waits(self, run: Enrollment, limits: Limits) -> Iterator[Wake]:
        """The end of a call, the outcome of a touch nobody is sure of, its anchor."""
        yield from super().waits(run, limits)
        for record in self._standing(run):
            wake = _wait_for(record, limits, run.anchor)
            if wake is not None:
                yield wake

    def ended_at(self, run: Enrollment, now: datetime) -> datetime:
        """When the last of its touches went or was settled."""
        return max((t.at for t in self._standing(run) if t.at is not None), default=now)

    def has_twin(self, run: Enrollment, record: TouchRecord) -> bool:
        """Whether what speaks for the same touch is open beside a record of it."""
        if record.key.occurrence < memory.since(run, self.id):
            return False
        return any(
            t.key != record.key
            and t.key.step == self.id
            and t.state in OPEN_TOUCH_STATES
            and t.key.channel in self._one_of(record.key.channel)
            for t in run.touches
        )

    def _one_of(self, channel: Channel) -> frozenset[Channel]:
        """The channels of the touch that may go on this one."""
        return frozenset().union(*(way for _, way in self.ways if channel in way))

    def _standing(self, run: Enrollment) -> list[TouchRecord]:
        since = memory.since(run, self.id)
        found = (
            touches.standing(run, step=self.id, channels=channels, since=since)
            for _, channels in self.ways
        )
        return [record for record in found if record is not None]

    def _count_from(self, draft: "Draft", anchor: datetime) -> None:
        """Let a reminder of another day go again, whatever went out for the day before."""
        known = memory.noted_moment(draft.enrollment, self.id, memory.ANCHOR)
        if known is not None and abs(anchor - known) >= _ANOTHER_DAY:
            draft.note(self.id, **{memory.FROM: touches.next_occurrence(draft.enrollment, self.id)})
        draft.note(self.id, **{memory.ANCHOR: anchor.isoformat()})


def _wait_for(touch: TouchRecord, limits: Limits, anchor: datetime) -> Wake | None:
    since = touch.at or anchor
    if touch.state == "unknown":
        return Wake(since + limits.unknown, UNKNOWN)
    if touch.state == "sent" and touch.key.channel == "voice" and touch.call is None:
        return Wake(since + limits.call, CALL)
    return None
