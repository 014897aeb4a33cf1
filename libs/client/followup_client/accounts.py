"""Calls about provider accounts: how they are, stopped and started."""

from typing import Any, Literal
from uuid import UUID

from followup_client.call import JSON, Call, Given, Id, Page, Seen, at, json_body, model


class Account(Seen):
    """An account at a provider, never with its secrets. `health` is its breaker's."""

    id: UUID
    channel: str
    provider: str
    name: str
    state: str
    reason: str | None = None
    settings: dict[str, Any]
    priority: int
    health: str
    health_reason: str | None = None


class Standing(Given):
    """Whether an account is to be used, and why not."""

    state: Literal["active", "stopped"]
    reason: str | None = None


def find() -> Call[Page[Account]]:
    """The tenant's accounts."""
    return Call("dispatcher", "GET", at("accounts"), model(Page[Account]))


def get(account_id: Id) -> Call[Account]:
    """One account."""
    return Call("dispatcher", "GET", at("accounts", account_id), model(Account))


def put(account_id: Id, standing: Standing) -> Call[Account]:
    """Stop or start an account. Once a stop is answered, nothing goes out by it."""
    path, body = at("accounts", account_id), json_body(standing)
    return Call("dispatcher", "PUT", path, model(Account), headers=JSON, body=body)
