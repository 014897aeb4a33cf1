"""Calls about API keys of the tenant: made, listed, rotated, revoked."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from pydantic import AwareDatetime, Field

from followup_client.call import JSON, Call, Given, Id, Page, Seen, at, json_body, model, nothing


class NewKey(Given):
    """A key to be made. `per_minute`: requests it may make a minute; None is no limit."""

    name: str
    scopes: Sequence[str]
    per_minute: int | None = None
    expires_at: AwareDatetime | None = None


class Rotation(Given):
    """How long the old key goes on working beside the new one."""

    grace_seconds: int = 86_400


class MadeKey(Seen):
    """A key, shown this once."""

    id: UUID
    key: str


class Key(Seen):
    """A key without its words."""

    id: UUID
    name: str
    scopes: tuple[str, ...]
    per_minute: int | None = None
    replaced_by: UUID | None = None
    created_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
    expires_at: datetime | None = None


class KeyPage(Page[Key]):
    """Keys, oldest first."""

    items: tuple[Key, ...] = Field(validation_alias="keys")


def find() -> Call[Page[Key]]:
    """Every key of the tenant, revoked ones too."""
    return Call("intake", "GET", at("keys"), model(KeyPage))


def make(key: NewKey) -> Call[MadeKey]:
    """Make a key, which can do no more than the one that asks.

    Not tried again once it may have been made: nobody would know the first.
    """
    return Call("intake", "POST", at("keys"), model(MadeKey), headers=JSON, body=json_body(key))


def rotate(key_id: Id, how: Rotation | None = None) -> Call[MadeKey]:
    """Make a key that can do the same; the old one ends after its grace. Not tried again."""
    path, body = at("keys", key_id, "rotate"), json_body(how or Rotation())
    return Call("intake", "POST", path, model(MadeKey), headers=JSON, body=body)


def revoke(key_id: Id) -> Call[None]:
    """Revoke a key for good: every process refuses it within a second."""
    return Call("intake", "DELETE", at("keys", key_id), nothing)
