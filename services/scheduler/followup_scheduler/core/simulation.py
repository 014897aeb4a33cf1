"""What a simulation is told and what it tells."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from followup_contracts.events import CallResult
from followup_contracts.payload import Channel
from followup_scheduler.core.format.reaction import ProductEvent
from followup_scheduler.core.model import (
    Converted,
    EnrollmentState,
    OptedOut,
    Ordered,
    ReplyRead,
    SkippedTouch,
    Task,
    TouchKey,
)


@dataclass(frozen=True, slots=True)
class Learned:
    """Something is known from now on: attributes of the lead (its `appointment`, `deal`, …).

    `event` is what the product tells of it, if it is one of its events.
    """

    at: datetime
    attributes: Mapping[str, Any]
    event: ProductEvent | None = None


Happening = ReplyRead | OptedOut | Converted | Ordered | Learned
"""Something from outside, at its own `at`."""


@dataclass(frozen=True, slots=True)
class When:
    """What-if: something happens `after` a touch of a step has gone, each time.

    `happens` makes it of the moment. A step of None is the start.
    """

    step: str | None
    after: timedelta
    happens: Callable[[datetime], Happening]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What becomes of simulated touches and tasks, by step, and which steps' touches fail.

    A call without an entry gets `call`; None means that no result ever comes. A task with
    an entry in `tasks` is closed with that outcome when it is due, others are left open.
    `whens` say what follows a touch.
    """

    call: CallResult | None = "no_answer"
    calls: Mapping[str, CallResult | None] = field(default_factory=dict)
    tasks: Mapping[str, str] = field(default_factory=dict)
    whens: tuple[When, ...] = ()
    failed: frozenset[str] = frozenset()
    ring: timedelta = timedelta(minutes=1)

    def call_of(self, step: str) -> CallResult | None:
        """How the call of a step ends."""
        return self.calls.get(step, self.call)


@dataclass(frozen=True, slots=True)
class SimulatedTouch:
    """A touch as it would go: `due_at` in UTC, `local` in each zone the person may be in.

    `state` is cancelled for one that was planned and then cut.
    """

    key: TouchKey
    template: str
    wanted_at: datetime
    due_at: datetime
    local: Mapping[str, datetime]
    moved_by: tuple[str, ...]
    state: Literal["sent", "failed", "cancelled"]
    call: CallResult | None = None
    variant: str | None = None

    @property
    def channel(self) -> Channel:
        """The channel it goes on."""
        return self.key.channel


@dataclass(frozen=True, slots=True)
class SimulatedTask:
    """A task that a person would get, and when."""

    at: datetime
    task: Task


@dataclass(frozen=True, slots=True)
class Simulation:
    """A whole run, from enrolling to its end or to where a person has to decide.

    `starts` are the events upon which the lead, as it is at the start, enters by itself.
    """

    sequence: str
    started_at: datetime
    zones: tuple[str, ...]
    touches: tuple[SimulatedTouch, ...]
    skipped: tuple[SkippedTouch, ...]
    tasks: tuple[SimulatedTask, ...]
    story: tuple[tuple[datetime, str], ...]
    state: EnrollmentState
    end_reason: str | None
    ended_at: datetime
    handed_to: str | None
    enters: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
