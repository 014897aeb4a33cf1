"""Calls about touches: how one would read, what became of one, attempts nobody can settle."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from followup_client.call import JSON, Call, Given, Id, Page, Seen, asked, at, json_body, model


class Wanted(Given):
    """A template, by its parts (`text`, `subject` …) or by its hash, and whom it is for."""

    lead_id: UUID
    channel: str
    template: Mapping[str, str] | str
    sequence: str = "preview"
    step: str = "preview"
    transactional: bool = False
    answer: bool = False


class Verdict(Seen):
    """Whether it would go out now: `go`, `wait` until `not_before`, or `never`."""

    result: Literal["go", "wait", "never"]
    rule: str | None = None
    reason: Any = None
    not_before: datetime | None = None


class Preview(Seen):
    """A touch as its lead would read it, from whom, and whether it would go out now."""

    to: str
    sender: str | None = None
    account: str
    sandbox: bool
    subject: str | None = None
    text: str | None = None
    html: str | None = None
    voicemail: str | None = None
    segments: int | None = None
    alphabet: str | None = None
    verdict: Verdict


class Attempt(Seen):
    """One call to a provider for a touch, and what it came to."""

    id: UUID
    touch_id: UUID
    number: int
    channel: str
    state: str
    account_id: UUID
    provider: str
    provider_ref: str | None = None
    code: str | None = None
    reason: str | None = None
    claimed_at: datetime
    trace: Any = None


class Attempts(Seen):
    """Every attempt of a touch, oldest first."""

    touch_id: UUID
    attempts: tuple[Attempt, ...]


class Settling(Given):
    """A person's word on an attempt nobody else can settle."""

    outcome: Literal["sent", "not_sent"]
    reason: str


class Settled(Seen):
    """How an attempt stands now."""

    attempt_id: UUID
    state: str


class Recorded(Seen):
    """What the sandbox recorded where a provider would have sent."""

    id: UUID
    touch_id: UUID
    person_id: UUID
    channel: str
    recipient: str | None = None
    sender: str | None = None
    subject: str | None = None
    text: str | None = None
    voicemail: str | None = None
    at: datetime


def preview(wanted: Wanted) -> Call[Preview]:
    """A touch as it would go out now; nothing is sent, reserved or kept."""
    path, body = at("touches", "preview"), json_body(wanted)
    return Call("dispatcher", "POST", path, model(Preview), headers=JSON, body=body, again=True)


def get(touch_id: Id) -> Call[Attempts]:
    """What became of a touch, with the trace of each decision."""
    return Call("dispatcher", "GET", at("touches", touch_id), model(Attempts))


def attempts(state: str = "unknown", *, limit: int = 100) -> Call[Page[Attempt]]:
    """Attempts in a state: those that are unknown wait for a person."""
    params = asked(state=state, limit=limit)
    return Call("dispatcher", "GET", at("attempts"), model(Page[Attempt]), params=params)


def settle(attempt_id: Id, word: Settling) -> Call[Settled]:
    """Say what became of an unknown attempt. Not tried again once it may have been said."""
    path, body = at("attempts", attempt_id, "settle"), json_body(word)
    return Call("dispatcher", "POST", path, model(Settled), headers=JSON, body=body)


def sandbox(*, limit: int = 100) -> Call[Page[Recorded]]:
    """What the sandbox has recorded, oldest first."""
    path, params = at("sandbox", "outbox"), asked(limit=limit)
    return Call("dispatcher", "GET", path, model(Page[Recorded]), params=params)
