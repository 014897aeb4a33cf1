"""Calls about what was said with a lead, and who must not be reached."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal
from uuid import UUID, uuid4

from followup_client.call import JSON, Call, Given, Id, Page, Seen, asked, at, json_body, model

MOST_LISTED = 1_000
"""Addresses that `suppress_all` takes at once."""


class Told(Seen):
    """What a provider told of what went out: `delivered`, `bounced`, `opened` and so on."""

    event: str
    at: datetime


class Said(Seen):
    """One thing said; `events` are what its provider told of it."""

    id: UUID
    direction: Literal["inbound", "outbound"]
    channel: str
    at: datetime
    touch_id: UUID | None = None
    subject: str | None = None
    body: str | None = None
    intent: str | None = None
    opt_out: bool | None = None
    confidence: float | None = None
    until: date | None = None
    state: str | None = None
    written_by: str | None = None
    guessed: bool | None = None
    events: tuple[Told, ...] = ()


class NewMessage(Given):
    """What is to be said to a lead; without a channel where they last wrote. `by`: who says it."""

    text: str
    channel: str | None = None
    subject: str | None = None
    by: str | None = None


class Message(Seen):
    """A message somebody wrote: waiting (perhaps until `not_before`), sent, skipped or failed."""

    id: UUID
    lead_id: UUID
    person_id: UUID
    touch_id: UUID
    channel: str
    subject: str | None = None
    body: str | None = None
    written_by: str | None = None
    state: str
    rule: str | None = None
    reason: str | None = None
    not_before: datetime | None = None
    at: datetime
    updated_at: datetime


class Suppression(Given):
    """An address (E.164 or e-mail) and what of it: one channel, or all."""

    address: str
    channel: str = "all"
    reason: str = "requested"


class SuppressionList(Given):
    """Addresses that are listed together, all or none."""

    items: tuple[Suppression, ...]


class Listing(Seen):
    """A standing entry; `hash` is keyed and can't be turned back."""

    kind: str
    channel: str
    hash: str
    reason: str
    via: str
    listed_at: datetime


class Imported(Seen):
    """How many entries are new."""

    listed: int


class Lifted(Seen):
    """Whether an entry stood and was lifted."""

    lifted: bool


def conversation(lead_id: Id, *, limit: int = 100) -> Call[Page[Said]]:
    """What was said, both ways, oldest first."""
    path = at("leads", lead_id, "conversation")
    return Call("replies", "GET", path, model(Page[Said]), params=asked(limit=limit))


def write(lead_id: Id, message: NewMessage, *, key: str | None = None) -> Call[Message]:
    """Answer a lead from the same thread and sender; automation of the lead pauses.

    The call has an `Idempotency-Key` of its own, or `key`: sent again it says nothing twice.
    """
    headers = {**JSON, "Idempotency-Key": key or str(uuid4())}
    path, body = at("leads", lead_id, "messages"), json_body(message)
    return Call("replies", "POST", path, model(Message), headers=headers, body=body, again=True)


def message(lead_id: Id, message_id: Id) -> Call[Message]:
    """What became of a message that was written."""
    path = at("leads", lead_id, "messages", message_id)
    return Call("replies", "GET", path, model(Message))


def suppressions(*, limit: int = 100) -> Call[Page[Listing]]:
    """Who must not be reached."""
    path = at("suppressions")
    return Call("replies", "GET", path, model(Page[Listing]), params=asked(limit=limit))


def suppress(wanted: Suppression) -> Call[Listing]:
    """List an address. Once this is answered, nothing goes out to it."""
    return Call(
        "replies",
        "PUT",
        at("suppressions"),
        model(Listing),
        headers=JSON,
        body=json_body(wanted),
    )


def suppress_all(wanted: Sequence[Suppression]) -> Call[Imported]:
    """List up to 1,000 addresses. Once this is answered, nothing goes out to them."""
    return Call(
        "replies",
        "POST",
        at("suppressions", "import"),
        model(Imported),
        headers=JSON,
        body=json_body(SuppressionList(items=tuple(wanted))),
        again=True,
    )


def lift(wanted: Suppression) -> Call[Lifted]:
    """Lift exactly this entry. Consent that was withdrawn stays withdrawn."""
    path, body = at("suppressions"), json_body(wanted)
    return Call("replies", "DELETE", path, model(Lifted), headers=JSON, body=body)
