"""Calls about tenants, for the operator of the cell (scope `cell:admin`)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from followup_client.call import JSON, Call, Given, Id, Page, Seen, asked, at, json_body, model
from followup_client.keys import MadeKey, NewKey

State = Literal["active", "suspended", "deleted"]


class NewTenant(Given):
    """A tenant to be made; `settings` by their names.

    `stops_of`: the tenant, a deleted one perhaps, whose suppression list it begins with.
    """

    slug: str
    name: str
    settings: Mapping[str, Any] = Field(default_factory=dict)
    stops_of: UUID | None = None


class TenantChanges(Given):
    """What is to be otherwise; what is not named stays."""

    settings: Mapping[str, Any] = Field(default_factory=dict)
    state: Literal["active", "suspended"] | None = None


class Removal(Seen):
    """How a deletion stands: the services that are not done, rows that went, by table."""

    state: Literal["running", "done"]
    waiting: tuple[str, ...]
    counts: dict[str, int]
    asked_at: datetime
    finished_at: datetime | None = None


class Tenant(Seen):
    """A tenant; `removal` of a deleted one that was asked for by itself."""

    id: UUID
    slug: str
    name: str
    state: State
    settings: dict[str, Any]
    removal: Removal | None = None


class TenantPage(Page[Tenant]):
    """Tenants in the order they were made."""

    items: tuple[Tenant, ...] = Field(validation_alias="tenants")


class Deleted(Seen):
    """A tenant of which nothing goes out any more; `get` tells how far its deletion is."""

    id: UUID
    state: State


def find(*, limit: int = 50) -> Call[Page[Tenant]]:
    """All tenants, deleted ones too."""
    params = asked(limit=limit)
    return Call("intake", "GET", at("tenants"), model(TenantPage), params=params, cursor="after")


def get(tenant_id: Id) -> Call[Tenant]:
    """One tenant."""
    return Call("intake", "GET", at("tenants", tenant_id), model(Tenant))


def make(tenant: NewTenant) -> Call[Tenant]:
    """Make a tenant; it is in the sandbox until its settings say otherwise."""
    body = json_body(tenant)
    return Call("intake", "POST", at("tenants"), model(Tenant), headers=JSON, body=body)


def change(tenant_id: Id, changes: TenantChanges) -> Call[Tenant]:
    """Change settings, suspend or resume."""
    path, body = at("tenants", tenant_id), json_body(changes)
    return Call("intake", "PATCH", path, model(Tenant), headers=JSON, body=body, again=True)


def delete(tenant_id: Id) -> Call[Deleted]:
    """Delete a tenant for good. Once this is answered, nothing of it goes out."""
    return Call("intake", "DELETE", at("tenants", tenant_id), model(Deleted))


def make_key(tenant_id: Id, key: NewKey) -> Call[MadeKey]:
    """Make a key for a tenant, its first perhaps. Not tried again once it may have been made."""
    path, body = at("tenants", tenant_id, "keys"), json_body(key)
    return Call("intake", "POST", path, model(MadeKey), headers=JSON, body=body)
