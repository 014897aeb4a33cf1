"""Calls about enrollments, and the timeline of a lead."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from followup_client.call import JSON, Call, Id, Page, Seen, asked, at, model

_TEXTS: TypeAdapter[dict[str, str]] = TypeAdapter(dict[str, str])


class Touch(Seen):
    """A touch of an enrollment."""

    id: UUID
    step: str
    occurrence: int
    channel: str
    state: str
    round: int
    wanted_at: datetime | None = None
    due_at: datetime | None = None
    settled_at: datetime | None = None
    call_result: str | None = None
    reason: str | None = None


class Enrollment(Seen):
    """One lead's run through one version of a sequence."""

    id: UUID
    lead_id: UUID
    person_id: UUID
    sequence: str
    version: int
    run: int
    state: str
    lane: str
    step: str | None = None
    occurrence: int
    anchor: datetime
    resume_at: datetime | None = None
    end_reason: str | None = None
    ended_at: datetime | None = None
    created_at: datetime
    touches: tuple[Touch, ...] = ()


class Happening(Seen):
    """A line of a timeline; `local` is the moment by each zone the person may be in."""

    at: datetime
    local: dict[str, str]
    what: str
    why: dict[str, Any]
    enrollment_id: UUID | None = None
    touch_id: UUID | None = None
    step: str | None = None
    channel: str | None = None


class TimelinePage(Page[Happening]):
    """A stretch of a lead's timeline; `zones` are those the person may be in."""

    lead_id: UUID
    person_id: UUID
    zones: tuple[str, ...]


def enroll(lead_id: Id, sequence: str) -> Call[Enrollment]:
    """Enroll a lead; the last run where it runs still or may not enter again."""
    body = _TEXTS.dump_json({"lead_id": str(lead_id), "sequence": sequence})
    path = at("enrollments")
    return Call("scheduler", "POST", path, model(Enrollment), headers=JSON, body=body, again=True)


def get(enrollment_id: Id) -> Call[Enrollment]:
    """An enrollment with its touches."""
    return Call("scheduler", "GET", at("enrollments", enrollment_id), model(Enrollment))


def halt(enrollment_id: Id, *, reason: str = "ordered") -> Call[Enrollment]:
    """End it. Once this is answered, nothing of it goes out any more."""
    return _order(enrollment_id, "halt", reason)


def pause(enrollment_id: Id, *, reason: str = "ordered") -> Call[Enrollment]:
    """Stop it until it is resumed. Once this is answered, nothing of it goes out."""
    return _order(enrollment_id, "pause", reason)


def resume(enrollment_id: Id, *, reason: str = "ordered") -> Call[Enrollment]:
    """Let a paused or held enrollment go on."""
    return _order(enrollment_id, "resume", reason)


def timeline(lead_id: Id, *, limit: int = 500) -> Call[TimelinePage]:
    """Everything about a lead in order, with what decided it."""
    path = at("leads", lead_id, "timeline")
    return Call("scheduler", "GET", path, model(TimelinePage), params=asked(limit=limit))


def _order(enrollment_id: Id, command: str, reason: str) -> Call[Enrollment]:
    path, body = at("enrollments", enrollment_id, command), _TEXTS.dump_json({"reason": reason})
    return Call("scheduler", "POST", path, model(Enrollment), headers=JSON, body=body, again=True)
