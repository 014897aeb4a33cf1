"""`followup key create|list|rotate|revoke`."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import click

from followup_database import Transaction
from followup_directory import (
    SCOPES,
    Deed,
    create_key,
    list_keys,
    record_deed,
    revoke_key,
    rotate_key,
)
from followup_directory.keys import ALL_SCOPES
from followup_embedded.commands.errors import WrongUse
from followup_embedded.commands.office import open_databases, perform, settings
from followup_embedded.commands.tenants import tenant_named
from followup_runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A key to be made."""

    name: str
    scopes: tuple[str, ...]
    per_minute: int | None
    days: int | None


_tenant = click.option("--tenant", required=True, help="Whose key it is, such as default.")


@click.group(epilog="Example: followup key create --tenant default")
def command() -> None:
    """Create, list, rotate and revoke API keys."""


@command.command(epilog="Example: followup key create --tenant default --scope leads:write")
@_tenant
@click.option("--name", default="command line", show_default=True, help="What it is for.")
@click.option("--scope", "scopes", multiple=True, help="What it may do; everything without one.")
@click.option("--per-minute", type=click.IntRange(min=1), help="Requests a minute, at most.")
@click.option("--days", type=click.IntRange(min=1, max=3650), help="It ends after so many days.")
def create(
    tenant: str, name: str, scopes: tuple[str, ...], per_minute: int | None, days: int | None
) -> None:
    """Create a key and print it, this once.

    A SCOPE is leads:read, leads:write, sequences:write … or read (all reading), * (all of a
    tenant's), cell:admin (tenants themselves, never within *).
    """
    if unknown := sorted(set(scopes) - SCOPES):
        raise WrongUse(f"--scope: {unknown[0]!r} is none of {', '.join(sorted(SCOPES))}")
    wanted = _Wanted(name, scopes or (ALL_SCOPES,), per_minute, days)
    click.echo(perform(_created(settings(), tenant, wanted)))


@command.command(epilog="Example: followup key rotate KEY_ID --tenant default --grace-hours 24")
@click.argument("key_id", type=click.UUID)
@_tenant
@click.option(
    "--grace-hours",
    type=click.IntRange(min=0, max=720),
    default=24,
    show_default=True,
    help="How long the old one goes on working.",
)
def rotate(key_id: UUID, tenant: str, grace_hours: int) -> int:
    """Make a key that can do the same and print it, this once."""
    made = perform(_rotated(settings(), tenant, key_id, timedelta(hours=grace_hours)))
    if made is None:
        click.echo("followup: there is no such key, or it has ended", err=True)
        return 1
    click.echo(made)
    return 0


@command.command("list", epilog="Example: followup key list --tenant default --json")
@_tenant
@click.option("--json", "as_json", is_flag=True, help="Print JSON alone.")
def list_(tenant: str, *, as_json: bool) -> None:
    """List a tenant's keys; never the keys themselves."""
    found = perform(_listed(settings(), tenant))
    if as_json:
        click.echo(json.dumps(found))
        return
    for row in found:
        state = "revoked" if row["revoked_at"] else "good"
        click.echo(f"{row['id']}  {state:<7}  {' '.join(row['scopes'])}  {row['name']}")


@command.command(epilog="Example: followup key revoke KEY_ID --tenant default")
@click.argument("key_id", type=click.UUID)
@_tenant
def revoke(key_id: UUID, tenant: str) -> int:
    """Revoke a key: every process refuses it within a second."""
    if perform(_revoked(settings(), tenant, key_id)):
        return 0
    click.echo(f"followup: tenant {tenant} has no good key {key_id}", err=True)
    return 1


async def _created(given: Settings, slug: str, wanted: _Wanted) -> str:
    async with open_databases(given) as databases, databases.worker.transaction() as tx:
        tenant = await tenant_named(tx, slug)
        # A key's end is machine time, as whoever checks it reads the clock.
        ends = None if wanted.days is None else datetime.now(UTC) + timedelta(days=wanted.days)
        made = await create_key(
            tx,
            tenant.id,
            wanted.name,
            scopes=wanted.scopes,
            per_minute=wanted.per_minute,
            expires_at=ends,
        )
        await _record(tx, tenant.id, "key create", [made.id], {"scopes": list(wanted.scopes)})
        return made.token


async def _rotated(given: Settings, slug: str, key_id: UUID, grace: timedelta) -> str | None:
    async with open_databases(given) as databases, databases.worker.transaction() as tx:
        tenant = await tenant_named(tx, slug)
        made = await rotate_key(tx, tenant.id, key_id, grace=grace)
        if made is None:
            return None
        await _record(tx, tenant.id, "key rotate", [key_id, made.id], {})
        return made.token


async def _record(
    tx: Transaction, tenant_id: UUID, action: str, keys: list[UUID], detail: dict[str, Any]
) -> None:
    deed = Deed(action, keys, detail)
    await record_deed(tx, tenant_id, deed, key_id=None, actor="command")


async def _listed(given: Settings, slug: str) -> list[dict[str, Any]]:
    async with open_databases(given) as databases, databases.worker.transaction() as tx:
        tenant = await tenant_named(tx, slug)
        return [
            {
                "id": str(key.id),
                "name": key.name,
                "scopes": list(key.scopes),
                "created_at": key.created_at.isoformat(),
                "last_used_at": key.last_used_at.isoformat() if key.last_used_at else None,
                "revoked_at": key.revoked_at.isoformat() if key.revoked_at else None,
                "expires_at": key.expires_at.isoformat() if key.expires_at else None,
                "per_minute": key.per_minute,
            }
            for key in await list_keys(tx, tenant.id)
        ]


async def _revoked(given: Settings, slug: str, key_id: UUID) -> bool:
    async with open_databases(given) as databases, databases.worker.transaction() as tx:
        tenant = await tenant_named(tx, slug)
        revoked = await revoke_key(tx, tenant.id, key_id)
        if revoked:
            await _record(tx, tenant.id, "key revoke", [key_id], {})
        return revoked
