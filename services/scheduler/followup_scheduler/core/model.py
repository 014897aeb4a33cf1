"""The scheduler's state machine: what it holds, what it is told, what it decides.

`advance(enrollment, sequence, stimulus, facts, now) → Decision` is the one function
that moves an enrollment; everything it may know is in its arguments.

An enrollment is `active`, `paused` (by a person, or waiting until a date a reply
named), `held` (a reply waits for a person's decision), or ended: `halted` (before its
last step, with a reason) or `completed`. Ended is final. Touches of the step it stands
on are planned, no others.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, NoReturn, cast
from uuid import UUID

from followup_contracts.events import CallResult, Intent
from followup_contracts.payload import Channel, Lane, Payload
from followup_policy.house import NO_HOUSE, HouseRules
from followup_policy.zones import Whereabouts
from followup_scheduler.core.evidence.hours import ByHour
from followup_scheduler.core.evidence.tallies import Tally
from followup_scheduler.core.format.reaction import ProductEvent
from followup_scheduler.core.format.touch import Approval
from followup_scheduler.core.ranking import Rival

EnrollmentState = Literal["active", "paused", "held", "halted", "completed"]
TouchState = Literal[
    "planned",  # a timer waits for it, or a person's approval
    "commanded",  # the dispatcher was asked
    "sent",
    "failed",
    "skipped",
    "unknown",
    "cancelled",
]
FINAL_TOUCH_STATES: frozenset[TouchState] = frozenset({"sent", "failed", "skipped", "cancelled"})
"""States that end a touch. `unknown` may still become sent, failed or planned again.

One exception serves the truth: a cancelled touch whose call had begun before the
cancellation may become `sent` or `unknown` (see `touches.may_become`).
"""
OPEN_TOUCH_STATES: frozenset[TouchState] = frozenset({"planned", "commanded"})
"""States that a cut cancels. An `unknown` touch may have gone out: it stays unknown."""
ENDED_STATES: frozenset[EnrollmentState] = frozenset({"halted", "completed"})


@dataclass(frozen=True, slots=True)
class TouchKey:
    """What a touch is unique by, within its enrollment."""

    step: str
    occurrence: int
    channel: Channel


@dataclass(frozen=True, slots=True)
class TouchRecord:
    """A touch of this enrollment as the enrollment remembers it.

    `at` is when it went out (or was settled otherwise). `call` is what became of a
    call, once known. `due_at` and `text` are when one that is open is due, with what.
    """

    key: TouchKey
    state: TouchState
    at: datetime | None = None
    call: CallResult | None = None
    reason: str | None = None
    due_at: datetime | None = field(default=None, compare=False)
    text: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Enrollment:
    """One lead's run through one version of a sequence.

    `anchor` is the moment the sequence counts from. `step` is the id of the step whose
    touches are planned (None: not begun, or past the last). `epoch` is raised by
    halt, pause, cancellation and re-planning. `memory` is for what steps remember,
    JSON values only. `run` counts the lead's runs through the sequence, from 1.
    """

    id: UUID
    tenant_id: UUID
    lead_id: UUID
    person_id: UUID
    sequence: str
    version: int
    state: EnrollmentState
    anchor: datetime
    lane: Lane
    step: str | None = None
    epoch: int = 0
    occurrence: int = 0
    touches: tuple[TouchRecord, ...] = ()
    resume_at: datetime | None = None
    end_reason: str | None = None
    memory: Mapping[str, Any] = field(default_factory=dict)
    run: int = 1


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about the lead and its person when a decision is taken.

    `reachable` are channels with a usable contact point that no suppression stops and
    for which consent allows a touch of an automatic sequence; `refused` says for the
    other channels why not, by rule. `contacts` are this person's recent contacts as far
    as the scheduler knows them (for planning around R1, R2 and R6; the dispatcher has
    the last word), and what runs that go first have planned; `rivals` is what runs that
    go second have. `attributes` are those of the lead and its person, with what is kept
    of its appointment (`appointment`) and deal (`deal`). `best_channel` is the one this
    lead answers best, once that is known and the document asks, `best_because` the figures.
    `variants` counts how
    the texts that its sequence compares were answered, if it learns from that, `hours` how
    the tenant's people answered at which hours, by channel. `house` is what the tenant adds to
    the law, and what of the law it is exempted from; an emergency is no matter of planning, for
    nobody knows when it ends. `said_no`: when the person was not interested, by channel.
    """

    where: Whereabouts
    source: str
    asked: bool
    audience: Literal["b2b", "b2c"]
    reachable: frozenset[Channel]
    refused: Mapping[Channel, str] = field(default_factory=dict)
    contacts: tuple[Any, ...] = ()  # followup_policy.caps.PastContact
    attributes: Mapping[str, Any] = field(default_factory=dict)
    rivals: tuple[Rival, ...] = ()
    best_channel: Channel | None = None
    best_because: str | None = None
    variants: Mapping[str, Tally] = field(default_factory=dict)
    hours: Mapping[Channel, ByHour] = field(default_factory=dict)
    house: HouseRules = NO_HOUSE
    said_no: Mapping[Channel, datetime] = field(default_factory=dict)


class FactsUnread(LookupError):
    """A decision turned on facts that nobody had read for it; nothing has changed."""


class _Unread:
    def __getattr__(self, name: str) -> NoReturn:
        raise FactsUnread(name)


UNREAD = cast("Facts", _Unread())
"""In place of facts, for what can mostly be decided without them: looking is `FactsUnread`."""


# What an enrollment is told. `at` is when it happened, which may be long ago.


@dataclass(frozen=True, slots=True)
class Started:
    """The lead has just been enrolled."""

    at: datetime


@dataclass(frozen=True, slots=True)
class TouchSettled:
    """The dispatcher's answer that ends a touch, or leaves it unknown.

    `closed`: it did not go because nobody may or can be reached on its channel.
    """

    key: TouchKey
    state: Literal["sent", "failed", "skipped", "unknown"]
    at: datetime
    reason: str | None = None
    closed: bool = False


@dataclass(frozen=True, slots=True)
class CallEnded:
    """A call of this enrollment came to its end."""

    key: TouchKey
    result: CallResult
    at: datetime


@dataclass(frozen=True, slots=True)
class ReplyRead:
    """The person answered, on whatever channel."""

    intent: Intent
    opt_out: bool
    until: date | None
    at: datetime


@dataclass(frozen=True, slots=True)
class OptedOut:
    """The person told us to stop."""

    channel: Channel
    at: datetime


@dataclass(frozen=True, slots=True)
class Converted:
    """The product around says the lead is won."""

    kind: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Happened:
    """The product around told something; what is known of the lead says it too."""

    event: ProductEvent
    at: datetime


@dataclass(frozen=True, slots=True)
class FactsChanged:
    """What is known of the lead or its person is not what it was: a date, a zone, an address."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Woken:
    """A wait of the enrollment itself is over (`Wake.reason` says which)."""

    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Ordered:
    """A person or another service orders: halt, pause or resume."""

    order: Literal["halt", "pause", "resume"]
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class TaskSettled:
    """A person closed a task; `step` and `occurrence` say which step asked for it, if one did."""

    kind: str
    outcome: str
    at: datetime
    step: str | None = None
    occurrence: int = 0


Stimulus = (
    Started
    | TouchSettled
    | CallEnded
    | ReplyRead
    | OptedOut
    | Converted
    | Happened
    | FactsChanged
    | Woken
    | Ordered
    | TaskSettled
)


# What comes out.


@dataclass(frozen=True, slots=True)
class PlannedTouch:
    """A touch to be armed. `moved_by` says in order which rules moved it from `wanted_at`.

    `template` is the content's key in the sequence document. `contact_round` groups the
    channels of one follow-up round (R6). `variant` says what the text was chosen of,
    `instead_of` which channels were closed when this touch was to go, `hours` what the hours
    were chosen by, `best` what the channel was. One with an `approval` waits for a person
    first, who sees what `draft` has written.
    """

    key: TouchKey
    due_at: datetime
    wanted_at: datetime
    lane: Lane
    template: str
    contact_round: str
    transactional: bool = False
    not_after: datetime | None = None
    moved_by: tuple[str, ...] = ()
    variant: str | None = None
    approval: Approval | None = None
    draft: Literal["template", "model"] = "template"
    instead_of: tuple[Channel, ...] = ()
    hours: str | None = None
    best: str | None = None


@dataclass(frozen=True, slots=True)
class SkippedTouch:
    """A touch of a step that was decided against while planning, with the reason kept."""

    key: TouchKey
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Wake:
    """Wake the enrollment at a moment; replaces every earlier wake of the enrollment."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Task:
    """Something for a person.

    A step's own task names its `step` and `occurrence`; it is withdrawn when the run ends
    before it is done. `outcomes` are the only ones it may be closed with; empty allows any.
    """

    kind: str
    reason: str
    due_at: datetime
    title: str | None = None
    step: str | None = None
    occurrence: int = 0
    outcomes: tuple[str, ...] = ()
    remind_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from a stimulus. The service carries it out in one transaction.

    `enrollment` is the new state (its epoch already raised where that is due; `cut`
    says so, and then every touch planned or commanded before is cancelled; those in
    `plan` are new and stay). Its `touches` already hold what the decision planned,
    skipped, settled and cancelled. `wake` is complete each time: None keeps no wake.
    `enters` are sequences that the lead enters next. `events` are payloads to publish
    (tasks have their own event, made with their id), `why` is one line for the timeline.
    Nothing to do is a Decision whose enrollment is the one given and whose `why` is None;
    its `wake` is the one that stands.
    """

    enrollment: Enrollment
    plan: tuple[PlannedTouch, ...] = ()
    skipped: tuple[SkippedTouch, ...] = ()
    cut: bool = False
    wake: Wake | None = None
    tasks: tuple[Task, ...] = ()
    events: tuple[Payload, ...] = ()
    enters: tuple[str, ...] = ()
    why: str | None = None
