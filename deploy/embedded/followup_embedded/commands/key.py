"""`followup key create|list|revoke`."""

import json
from typing import Any
from uuid import UUID

import click

from followup_directory import create_key, list_keys, revoke_key
from followup_embedded.commands.office import open_databases, perform, settings
from followup_embedded.commands.tenants import tenant_named
from followup_runtime.settings import Settings

_tenant = click.option("--tenant", required=True, help="Whose key it is, such as default.")


@click.group(epilog="Example: followup key create --tenant default")
def command() -> None:
    """Create, list and revoke API keys."""


@command.command(epilog="Example: followup key create --tenant default --scope leads:write")
@_tenant
@click.option("--name", default="command line", show_default=True, help="What it is for.")
@click.option("--scope", "scopes", multiple=True, help="What it may do; everything without one.")
def create(tenant: str, name: str, scopes: tuple[str, ...]) -> None:
    """Create a key and print it, this once."""
    click.echo(perform(_created(settings(), tenant, name, scopes or ("*",))))


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


async def _created(given: Settings, slug: str, name: str, scopes: tuple[str, ...]) -> str:
    async with open_databases(given) as databases, databases.worker.transaction() as tx:
        tenant = await tenant_named(tx, slug)
        return (await create_key(tx, tenant.id, name, scopes=scopes)).token


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
            }
            for key in await list_keys(tx, tenant.id)
        ]


async def _revoked(given: Settings, slug: str, key_id: UUID) -> bool:
    async with open_databases(given) as databases, databases.worker.transaction() as tx:
        tenant = await tenant_named(tx, slug)
        return await revoke_key(tx, tenant.id, key_id)
