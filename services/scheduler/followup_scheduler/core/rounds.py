"""Planning the touches of a step: on which channel, with which text, at which moment."""

from collections.abc import Sequence as Several
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from followup_contracts.events import Audience
from followup_contracts.payload import Channel
from followup_policy.caps import PastContact
from followup_policy.windows import SendWindow, preferred
from followup_scheduler.core import memory, touches
from followup_scheduler.core.evidence.hours import Hours, best_hours
from followup_scheduler.core.format.clock import Window
from followup_scheduler.core.format.touch import ChannelRule, Touch
from followup_scheduler.core.model import (
    PlannedTouch,
    SkippedTouch,
    TouchKey,
    TouchRecord,
)
from followup_scheduler.core.picking import Picked, pick_channel, pick_text
from followup_scheduler.core.planning import (
    Moment,
    NoMoment,
    Occasion,
    before_anchor,
    find_moment,
    preference,
)

if TYPE_CHECKING:
    from followup_scheduler.core.draft import Draft
    from followup_scheduler.core.steps.touches import TouchStep

NOBODY_TO_REACH = "nobody_to_reach"
_LATE = timedelta(hours=1)
"""A reminder that should have gone longer ago is left to the next one."""


@dataclass(frozen=True, slots=True)
class Round:
    """A step whose touches are planned, counted from `anchor`."""

    draft: "Draft"
    step: "TouchStep"
    anchor: datetime

    def plan(self) -> None:
        """Plan those of its touches that nothing speaks for yet."""
        due = [way for way in self.step.ways if self._is_due(way[1])]
        if not due:
            return
        self.draft.next_occurrence(self.step.id)
        taken = self.step.fixed()
        for touch, channels in due:
            channel = pick_channel(
                touch,
                enrollment=self.draft.enrollment,
                facts=self.draft.facts,
                taken=taken | self._closed(channels),
            )
            self._plan(touch, channel, instead_of=self._closed(channels))

    def _closed(self, channels: frozenset[Channel]) -> frozenset[Channel]:
        """Those of a touch's channels that turned out to be closed; none if all of them did."""
        closed = channels & memory.closed(self.draft.enrollment, self.step.id)
        return closed if closed < channels else frozenset()

    def _is_due(self, channels: frozenset[Channel]) -> bool:
        run = self.draft.enrollment
        if self.step.lacks(channels, run):
            return True
        found = self.step.standing(channels, run)
        return self.draft.rewinding and found is not None and found.state == "skipped"

    def _plan(self, touch: Touch, channel: Channel, *, instead_of: frozenset[Channel]) -> None:
        draft = self.draft
        key = TouchKey(self.step.id, draft.enrollment.occurrence, channel)
        if channel not in draft.facts.reachable:
            refused = draft.facts.refused.get(channel, NOBODY_TO_REACH)
            self._skip(key, rule="unreachable", reason=refused)
            return
        text = pick_text(
            touch,
            channel,
            step=self.step.id,
            sequence=draft.sequence,
            enrollment=draft.enrollment,
            facts=draft.facts,
        )
        if text is None:
            self._skip(key, rule="document", reason="The sequence has no touch here for this lead.")
            return
        self._place(touch, key, text, instead_of=tuple(sorted(instead_of)))

    def _place(
        self, touch: Touch, key: TouchKey, text: Picked, *, instead_of: tuple[Channel, ...]
    ) -> None:
        """Find the moment, or skip the touch with the reason there is none."""
        draft = self.draft
        occasion = self._occasion(key)
        window, chosen_by = self._window(touch, occasion)
        wish = draft.wanted(self.step, self.anchor, window) + touch.delay
        if self.step.is_reminder() and wish + _LATE < draft.now:
            self._skip(key, rule="slide", reason="Its moment had passed before it was planned.")
            return
        transactional = self.step.is_transactional(draft.sequence)
        at_once = self.step.moment.window == "at_once" or transactional
        latest = self._latest(wish, transactional=transactional)
        match self._find(occasion, wish, latest, window, transactional=transactional):
            case NoMoment(rule, reason):
                self._skip(key, rule=rule, reason=reason)
            case Moment(at, moved_by):
                self._arm(
                    PlannedTouch(
                        key=key,
                        due_at=at,
                        wanted_at=wish,
                        lane=draft.enrollment.lane if at_once else "later",
                        template=text.name,
                        contact_round=occasion.round,
                        transactional=transactional,
                        not_after=latest,
                        moved_by=moved_by,
                        variant=text.variant,
                        approval=touch.approved_within(),
                        draft=touch.draft,
                        instead_of=instead_of,
                        hours=chosen_by,
                        best=self._answered_best(touch, key.channel),
                    )
                )

    def _find(
        self,
        occasion: Occasion,
        wish: datetime,
        latest: datetime,
        window: SendWindow | None,
        *,
        transactional: bool,
    ) -> Moment | NoMoment:
        """The moment nearest to the wish: before what was booked, else from the wish on."""
        now = self.draft.now
        if transactional:
            return before_anchor(
                occasion.channel, occasion, wanted=wish, earliest=now, deadline=latest
            )
        return find_moment(
            occasion.channel, occasion, earliest=max(now, wish), latest=latest, window=window
        )

    def _answered_best(self, touch: Touch, channel: Channel) -> str | None:
        """The figures, where a touch goes on a channel because it is answered best."""
        asked = isinstance(touch.channel, ChannelRule) and touch.channel.best is not None
        facts = self.draft.facts
        return facts.best_because if asked and channel == facts.best_channel else None

    def _latest(self, wish: datetime, *, transactional: bool) -> datetime:
        """How late a touch may go; a transactional one not after what it is about."""
        latest = wish + self.draft.sequence.limits.slide
        if not transactional:
            return latest
        if self.step.is_reminder():
            return self.anchor
        subject = self.draft.anchor_of(self.draft.sequence.anchor)
        return subject if subject is not None and wish < subject < latest else latest

    def _window(self, touch: Touch, occasion: Occasion) -> tuple[SendWindow | None, str | None]:
        """The hours a touch prefers, if any, and by which figures they were chosen, if by any."""
        hours = self.step.moment.hours
        if hours == "at_once" or self.step.is_transactional(self.draft.sequence):
            return None, None
        if isinstance(hours, Window):
            return hours.hours(), None
        if hours == "best":
            best = self._best_hours(occasion.channel)
            return preference(touch, occasion, best.window()), best.why
        return preference(touch, occasion, preferred(occasion.channel)), None

    def _best_hours(self, channel: Channel) -> Hours:
        """Those drawn for this step; what was drawn once stays, however often it is planned."""
        draft, step = self.draft, self.step.id
        drawn = memory.noted(draft.enrollment, step).get(memory.HOURS, {})
        if channel in drawn:
            days, hours = drawn[channel]
            return Hours(tuple(days), tuple(hours), "hours as before")
        seed = f"{draft.enrollment.id}/{step}/{memory.cycle(draft.enrollment)}"
        best = best_hours(channel, draft.facts.hours.get(channel, {}), seed=seed)
        draft.note(step, hours={**drawn, channel: [list(best.days), list(best.hours)]})
        return best

    def _occasion(self, key: TouchKey) -> Occasion:
        draft = self.draft
        return Occasion(
            channel=key.channel,
            where=draft.facts.where,
            audience=_audience(draft),
            round=touches.contact_round(draft.enrollment, key),
            history=(*touches.contacts(draft.enrollment, draft.facts), *_planned(draft.plan)),
            own_calls=[
                touch.at
                for touch in draft.enrollment.touches
                if touch.key.channel == "voice"
                and touch.state in touches.MAYBE_SENT
                and touch.at is not None
            ],
            own_caps=draft.sequence.caps,
            house=draft.facts.house,
            refused_at=draft.facts.said_no.get(key.channel),
        )

    def _arm(self, planned: PlannedTouch) -> None:
        record = TouchRecord(planned.key, "planned", due_at=planned.due_at, text=planned.template)
        self.draft.enrollment = touches.with_record(self.draft.enrollment, record)
        self.draft.plan.append(planned)

    def _skip(self, key: TouchKey, *, rule: str, reason: str) -> None:
        record = TouchRecord(key, "skipped", at=self.draft.now, reason=reason)
        self.draft.enrollment = touches.with_record(self.draft.enrollment, record)
        self.draft.skipped.append(SkippedTouch(key, rule, reason))


def _planned(plan: Several[PlannedTouch]) -> list[PastContact]:
    """What the decision has planned so far: it counts for the other touches of its step."""
    return [
        PastContact(
            touch_id=f"{each.contact_round}:{each.key.channel}",
            channel=each.key.channel,
            at=each.due_at,
            round=each.contact_round,
        )
        for each in plan
    ]


def _audience(draft: "Draft") -> Audience:
    """Weekdays only (R11) when either the lead or the sequence is for businesses."""
    return "b2b" if "b2b" in (draft.facts.audience, draft.sequence.audience) else "b2c"
