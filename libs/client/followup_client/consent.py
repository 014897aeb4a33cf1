"""Calls about consent: what holds, what it follows from, a new word, a confirmation."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime

from followup_client.call import JSON, Call, Given, Id, Seen, at, json_body, model


class Said(Given):
    """What somebody said of being contacted. A `yes` needs the wording it was given to."""

    state: Literal["yes", "no"]
    channel: str = "any"
    purpose: str = "marketing"
    wording: str | None = None
    method: str = "api"
    page: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    jurisdiction: str | None = None
    at: AwareDatetime | None = None


class Question(Given):
    """A consent that is to be confirmed by whoever reads the message it is asked in."""

    wording: str
    channel: str = "email"
    page: str | None = None
    ip: str | None = None
    user_agent: str | None = None


class Record(Seen):
    """One word of somebody's, as it was recorded; nothing changes it."""

    id: UUID
    channel: str
    state: str
    purpose: str
    seller: str | None = None
    addresses: tuple[str, ...] = ()
    wording: str | None = None
    method: str | None = None
    source: str | None = None
    page: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    jurisdiction: str | None = None
    at: datetime
    confirmed_at: datetime | None = None


class Proof(Seen):
    """What holds for each channel, and every record it follows from."""

    lead_id: UUID
    person_id: UUID
    at: datetime
    consent: dict[str, str]
    records: tuple[Record, ...]
    sha256: str


class Confirmation(Seen):
    """A link that confirms when its button is pressed."""

    url: str
    expires_at: datetime


def proof(lead_id: Id) -> Call[Proof]:
    """The proof to hand out about the person of a lead."""
    return Call("intake", "GET", at("leads", lead_id, "consent"), model(Proof))


def record(lead_id: Id, said: Said) -> Call[Proof]:
    """Add a record. A `no` is answered once nothing it forbids can go out.

    Not tried again once it may stand: there would be two.
    """
    path, body = at("leads", lead_id, "consent"), json_body(said)
    return Call("intake", "POST", path, model(Proof), headers=JSON, body=body)


def ask(lead_id: Id, question: Question) -> Call[Confirmation]:
    """A link by which its reader confirms a consent."""
    path, body = at("leads", lead_id, "consent", "confirmation"), json_body(question)
    return Call("intake", "POST", path, model(Confirmation), headers=JSON, body=body, again=True)
