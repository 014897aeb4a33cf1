"""Calls about touches that wait for a person's word before they go out."""

from datetime import datetime
from uuid import UUID

from followup_client.call import JSON, Call, Given, Id, Page, Seen, asked, at, json_body, model


class Approval(Seen):
    """A touch that waits, or waited. `body` is what it would say, by part."""

    touch_id: UUID
    lead_id: UUID
    person_id: UUID
    enrollment_id: UUID
    name: str | None = None
    need: str | None = None
    channel: str
    sequence: str
    version: int
    step: str
    state: str
    due_at: datetime
    lapses_at: datetime | None = None
    otherwise: str
    drafting: str
    body: dict[str, str]
    decided_by: str | None = None
    decided_at: datetime | None = None
    reason: str | None = None


class Yes(Given):
    """A person's yes, with what they would rather say."""

    text: str | None = None
    subject: str | None = None
    html: str | None = None
    voicemail: str | None = None
    by: str | None = None


class No(Given):
    """A person's no."""

    reason: str | None = None
    by: str | None = None


def find(*, limit: int = 50) -> Call[Page[Approval]]:
    """What waits, by when it is due."""
    path, params = at("approvals"), asked(limit=limit)
    return Call("scheduler", "GET", path, model(Page[Approval]), params=params)


def get(touch_id: Id) -> Call[Approval]:
    """One of them, or what became of it."""
    return Call("scheduler", "GET", at("approvals", touch_id), model(Approval))


def approve(touch_id: Id, yes: Yes | None = None) -> Call[Approval]:
    """Let it go at its time. Not tried again once it may have been: `get` tells."""
    path, body = at("approvals", touch_id, "approve"), json_body(yes or Yes())
    return Call("scheduler", "POST", path, model(Approval), headers=JSON, body=body)


def reject(touch_id: Id, no: No | None = None) -> Call[Approval]:
    """Have it skipped; its sequence goes on. Not tried again once it may have been."""
    path, body = at("approvals", touch_id, "reject"), json_body(no or No())
    return Call("scheduler", "POST", path, model(Approval), headers=JSON, body=body)
