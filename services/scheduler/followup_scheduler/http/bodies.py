"""What requests and answers look like."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from followup_contracts.payload import Channel, Moment

Reason = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


Assignee = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2_000)]


class Request(BaseModel):
    """A body we read: no field that it does not know."""

    model_config = ConfigDict(extra="forbid")


class Enroll(Request):
    """Which lead is to enter which sequence."""

    lead_id: UUID
    sequence: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]


class Order(Request):
    """Why somebody halts, pauses or resumes."""

    reason: Reason = "ordered"


class Completion(Request):
    """What came of a task; `note` is for people, `then` what its sequence does about it."""

    outcome: Reason = "done"
    note: Note | None = None
    then: Literal["resume", "halt"] | None = None


class Snooze(Request):
    """Until when a task is put off, and when to be reminded of it."""

    until: Moment
    remind_at: Moment | None = None


class Assignment(Request):
    """Who is to do a task; null is nobody in particular. Whatever names people to you."""

    assignee: Assignee | None


class OwnTask(Request):
    """A task a person sets for themselves or for others."""

    lead_id: UUID
    kind: Reason = "follow_up"
    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    due_at: Moment
    remind_at: Moment | None = None
    assignee: Assignee | None = None


class TouchBody(BaseModel):
    """A touch of an enrollment."""

    id: UUID
    step: str
    occurrence: int
    channel: Channel
    state: str
    round: int
    wanted_at: datetime | None
    due_at: datetime | None
    settled_at: datetime | None
    call_result: str | None
    reason: str | None


class EnrollmentBody(BaseModel):
    """One lead's run through one version of a sequence; `run` counts its runs there."""

    id: UUID
    lead_id: UUID
    person_id: UUID
    sequence: str
    version: int
    run: int
    state: str
    lane: str
    step: str | None
    occurrence: int
    anchor: datetime
    resume_at: datetime | None
    end_reason: str | None
    ended_at: datetime | None
    created_at: datetime
    touches: list[TouchBody] = []


class TaskBody(BaseModel):
    """Something for a person to do.

    `step` is the step of its sequence that asked for it, if one did. `outcomes` are the
    only ones it can be closed with; none named, any will do.
    """

    id: UUID
    lead_id: UUID
    person_id: UUID
    enrollment_id: UUID | None
    kind: str
    title: str | None
    reason: str
    step: str | None
    assignee: str | None
    outcomes: list[str]
    state: Literal["open", "done", "withdrawn"]
    due_at: datetime
    remind_at: datetime | None
    reminded_at: datetime | None
    created_at: datetime
    completed_at: datetime | None
    outcome: str | None
    note: str | None


class TaskPage(BaseModel):
    """Tasks by due time; `next` is the cursor of what follows."""

    items: list[TaskBody]
    next: str | None


class HappeningBody(BaseModel):
    """One line of a timeline; `local` is the moment by each zone the person may be in."""

    at: datetime
    local: dict[str, str]
    what: str
    why: dict[str, Any]
    enrollment_id: UUID | None
    touch_id: UUID | None
    step: str | None
    channel: str | None


class TimelineBody(BaseModel):
    """A lead's timeline; `zones` are those the person may be in."""

    lead_id: UUID
    person_id: UUID
    zones: list[str]
    items: list[HappeningBody]
    next: str | None


class SequenceBody(BaseModel):
    """A version of a sequence. `library`: it comes with the product, nobody has used it yet."""

    key: str
    version: int | None
    state: Literal["draft", "published", "library"]
    source: str
    created_at: datetime | None


class Finding(BaseModel):
    """Something wrong with a document, and the rule that says so."""

    rule: str = "document"
    severity: Literal["error", "warning"] = "error"
    line: int | None
    path: str
    message: str
    suggestion: str | None


class LintBody(BaseModel):
    """Whether a document can be published (it has no errors), and what rules say of it."""

    valid: bool
    findings: list[Finding] = Field(default_factory=list)
