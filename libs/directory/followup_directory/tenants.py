"""Tenants: whoever leads belong to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text

from followup_database import Row, Transaction, new_id
from followup_database.engine import to_json
from followup_directory.errors import SlugTaken
from followup_directory.settings import TenantSettings

TenantState = Literal["active", "suspended", "deleted"]

_CREATE = text("""
    INSERT INTO directory.tenants (id, tenant_id, slug, name, settings)
    VALUES (:id, :id, :slug, :name, CAST(:settings AS jsonb))
    ON CONFLICT (slug) DO NOTHING
    RETURNING id, slug, name, state, settings
""")
_BY_SLUG = text("SELECT id, slug, name, state, settings FROM directory.tenants WHERE slug = :slug")
_BY_ID = text("""
    SELECT id, slug, name, state, settings FROM directory.tenants
    WHERE id = ANY(CAST(:ids AS uuid[]))
""")
_PAGE = text("""
    SELECT id, slug, name, state, settings FROM directory.tenants
    WHERE CAST(:after AS uuid) IS NULL OR id > :after ORDER BY id LIMIT :most
""")
_FORGETTING = text("""
    SELECT id, CAST(settings ->> 'retention_days' AS int) AS days FROM directory.tenants
    WHERE jsonb_typeof(settings -> 'retention_days') = 'number' ORDER BY id
""")
_SETTINGS = text("""
    UPDATE directory.tenants SET settings = settings || CAST(:settings AS jsonb)
    WHERE id = :id AND state <> 'deleted'
    RETURNING id, slug, name, state, settings
""")
_STATE = text("""
    UPDATE directory.tenants SET state = :state
    WHERE id = :id AND state <> :state AND state <> 'deleted'
""")


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant; only an `active` one is served."""

    id: UUID
    slug: str
    name: str
    state: TenantState
    settings: TenantSettings


async def create_tenant(
    tx: Transaction, slug: str, name: str, settings: Mapping[str, Any] | None = None
) -> Tenant:
    """Make a tenant (worker's transaction); raises `SlugTaken`."""
    row = await tx.first(
        _CREATE, id=new_id(), slug=slug, name=name, settings=to_json(dict(settings or {}))
    )
    if row is None:
        raise SlugTaken(f"a tenant with the slug {slug!r} exists already")
    return tenant_of_row(row)


async def tenant_by_slug(tx: Transaction, slug: str) -> Tenant | None:
    """The tenant with this slug, whatever its state."""
    row = await tx.first(_BY_SLUG, slug=slug)
    return None if row is None else tenant_of_row(row)


async def tenants_by_id(tx: Transaction, ids: Sequence[UUID]) -> dict[UUID, Tenant]:
    """The tenants with these ids, in one statement; unknown ids are left out."""
    rows = await tx.all(_BY_ID, ids=list(ids))
    return {row["id"]: tenant_of_row(row) for row in rows}


async def page_of_tenants(tx: Transaction, *, after: UUID | None, most: int) -> list[Tenant]:
    """Up to `most` tenants made after `after` (worker's transaction), whatever their state."""
    return [tenant_of_row(row) for row in await tx.all(_PAGE, after=after, most=most)]


async def tenants_that_forget(tx: Transaction) -> dict[UUID, int]:
    """After how many days each tenant that forgets anybody does (worker's transaction)."""
    return {row["id"]: row["days"] for row in await tx.all(_FORGETTING)}


async def set_tenant_settings(
    tx: Transaction, tenant_id: UUID, changes: Mapping[str, Any]
) -> Tenant | None:
    """Change the settings named and keep the others; None for an unknown tenant."""
    row = await tx.first(_SETTINGS, id=tenant_id, settings=to_json(dict(changes)))
    return None if row is None else tenant_of_row(row)


async def set_tenant_state(
    tx: Transaction, tenant_id: UUID, state: Literal["active", "suspended"]
) -> bool:
    """Move a tenant to a state; False when it is there already, unknown or deleted for good."""
    return await tx.run(_STATE, id=tenant_id, state=state) == 1


def tenant_of_row(row: Row) -> Tenant:
    """A tenant from a row with these five columns."""
    return Tenant(
        id=row["id"],
        slug=row["slug"],
        name=row["name"],
        state=row["state"],
        settings=TenantSettings.read(row["settings"]),
    )
