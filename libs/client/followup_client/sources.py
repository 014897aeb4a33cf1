"""Calls about lead sources: forms and ad accounts that bring leads by themselves."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from followup_client.call import (
    JSON,
    Call,
    Given,
    Id,
    Page,
    Seen,
    asked,
    at,
    json_body,
    model,
    nothing,
)

Kind = Literal["meta", "google", "typeform", "form"]


class Config(Given):
    """How a source's leads are read; the last five are for forms."""

    lead_source: str | None = None
    sequence: str | None = None
    mapping: Mapping[str, str] = Field(default_factory=dict)
    origins: tuple[str, ...] = ()
    honeypot: str = "website_url"
    thanks_url: str | None = None
    consent_wording: str | None = None
    per_minute: int = 600


class NewSource(Given):
    """A source to be made, with the secrets its kind needs."""

    kind: Kind
    name: str
    config: Config = Config()
    secrets: Mapping[str, str] = Field(default_factory=dict)


class SourceChanges(Given):
    """What is to be otherwise; secrets and config are replaced whole."""

    name: str | None = None
    state: Literal["active", "stopped"] | None = None
    config: Config | None = None
    secrets: Mapping[str, str] | None = None


class SeenConfig(Seen):
    """A source's config as it stands."""

    lead_source: str | None = None
    sequence: str | None = None
    mapping: dict[str, str] = Field(default_factory=dict)
    origins: tuple[str, ...] = ()
    honeypot: str
    thanks_url: str | None = None
    consent_wording: str | None = None
    per_minute: int


class Fetch(Seen):
    """A lead that its source only told of, and how fetching it goes."""

    id: UUID
    external_id: str
    state: str
    attempts: int
    error: str | None = None
    lead_id: UUID | None = None
    asked_at: datetime
    due_at: datetime


class Source(Seen):
    """A source. `url` is its address, shown when it is made or moved and never again."""

    id: UUID
    kind: Kind
    name: str
    state: str
    config: SeenConfig
    created_at: datetime
    url: str | None = None
    fetches: tuple[Fetch, ...] = ()


class SourcePage(Page[Source]):
    """Sources, oldest first."""

    items: tuple[Source, ...] = Field(validation_alias="sources")


class Retried(Seen):
    """A fetch that is tried again."""

    id: UUID
    state: str


def find() -> Call[Page[Source]]:
    """Every source of the tenant."""
    return Call("intake", "GET", at("sources"), model(SourcePage))


def get(source_id: Id, *, fetches: int = 20) -> Call[Source]:
    """One source, with its latest fetches."""
    path = at("sources", source_id)
    return Call("intake", "GET", path, model(Source), params=asked(fetches=fetches))


def make(source: NewSource) -> Call[Source]:
    """Make a source. Not tried again once there may be one: nobody would know its address."""
    body = json_body(source)
    return Call("intake", "POST", at("sources"), model(Source), headers=JSON, body=body)


def change(source_id: Id, changes: SourceChanges) -> Call[Source]:
    """Change, stop or start a source."""
    path, body = at("sources", source_id), json_body(changes)
    return Call("intake", "PATCH", path, model(Source), headers=JSON, body=body, again=True)


def move(source_id: Id) -> Call[Source]:
    """Give a source a new address; the old one ends at once. Not tried again."""
    path, params = at("sources", source_id), {"new_address": "true"}
    return Call("intake", "PATCH", path, model(Source), params=params, headers=JSON, body=b"{}")


def delete(source_id: Id) -> Call[None]:
    """Delete a source; the leads it brought stay."""
    return Call("intake", "DELETE", at("sources", source_id), nothing)


def retry(source_id: Id, fetch_id: Id) -> Call[Retried]:
    """Have a fetch that was given up tried again."""
    path = at("sources", source_id, "fetches", fetch_id, "retry")
    return Call("intake", "POST", path, model(Retried))
