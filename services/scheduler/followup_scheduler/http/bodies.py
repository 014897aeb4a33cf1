"""What requests and answers look like."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from followup_contracts.payload import Channel

Reason = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


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
    """What came of a task."""

    outcome: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2_000)] = ""


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
    """One lead's run through one version of a sequence."""

    id: UUID
    lead_id: UUID
    person_id: UUID
    sequence: str
    version: int
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
    """Something for a person to do."""

    id: UUID
    lead_id: UUID
    person_id: UUID
    enrollment_id: UUID | None
    kind: str
    reason: str
    state: Literal["open", "done"]
    due_at: datetime
    created_at: datetime
    completed_at: datetime | None
    outcome: str | None


class TaskPage(BaseModel):
    """Tasks by due time; `next` is the cursor of what follows."""

    items: list[TaskBody]
    next: str | None


class AgendaItem(TaskBody):
    """A task on the agenda."""

    overdue: bool


class AgendaBody(BaseModel):
    """Who needs follow-up until a moment; what is overdue comes first."""

    until: datetime
    items: list[AgendaItem]


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
    """Something wrong with a document."""

    line: int | None
    path: str
    message: str
    suggestion: str | None


class LintBody(BaseModel):
    """Whether a document can be used, and if not, why."""

    valid: bool
    findings: list[Finding] = Field(default_factory=list)
