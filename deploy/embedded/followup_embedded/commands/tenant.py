"""`followup tenant create|set|suspend|resume|delete|list`."""

import json
import re
from typing import Any, Literal
from uuid import UUID

import click
from pydantic import ValidationError
from sqlalchemy import text

from followup_directory import (
    Deed,
    SlugTaken,
    TenantSettings,
    create_tenant,
    delete_tenant,
    record_deed,
    set_tenant_settings,
    set_tenant_state,
    tenants_by_id,
)
from followup_embedded.commands.errors import WrongUse
from followup_embedded.commands.office import open_databases, perform, settings
from followup_embedded.commands.tenants import tenant_named
from followup_runtime.settings import Settings
from followup_suppression import StopFence, take_over_listings

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
# Documents, lists and tables, and nothing to be set in passing.
_BY_HAND = frozenset({"rules", "routing", "attributes"})
_LIST = text("SELECT slug, name, state, id FROM directory.tenants ORDER BY slug")


@click.group(epilog="Example: followup tenant create acme --business-name 'Acme Roofing'")
def command() -> None:
    """Create, change, suspend, delete and list tenants."""


@command.command(epilog="Example: followup tenant create acme --name Acme")
@click.argument("slug")
@click.option("--name", default=None, help="Its name for people; else the slug.")
@click.option("--business-name", default="", help="How its messages name it.")
@click.option(
    "--stops-of",
    type=click.UUID,
    default=None,
    help="A tenant (its id, a deleted one's too) whose suppression list it begins with.",
)
def create(slug: str, name: str | None, business_name: str, stops_of: UUID | None) -> None:
    """Create tenant SLUG; it sends nothing until `tenant set SLUG sandbox=false`."""
    if not _SLUG.fullmatch(slug):
        raise WrongUse(f"SLUG: {slug!r} is not lower-case letters, digits and hyphens")
    made = perform(_created(settings(), slug, name or slug, business_name, stops_of=stops_of))
    click.echo(made)


@command.command("set", epilog="Example: followup tenant set acme agent_name=Kim sandbox=false")
@click.argument("slug")
@click.argument("pairs", nargs=-1, required=True, metavar="NAME=VALUE…")
def set_(slug: str, pairs: tuple[str, ...]) -> None:
    """Change settings of tenant SLUG and print them all, as JSON.

    business_name, agent_name, postal_address, booking_link, callback_number, public_url,
    zone, default_country, audience (b2b or b2c), sandbox (true or false), test_recipients
    (addresses, with commas), dry_run, plain_texts, click_tracking (off, email or all),
    retention_days, strict_attributes.
    """
    click.echo(json.dumps(perform(_set(settings(), slug, _changes(pairs)))))


@command.command(epilog="Example: followup tenant suspend acme")
@click.argument("slug")
def suspend(slug: str) -> int:
    """Suspend tenant SLUG: its keys end within a second, nothing of it goes out."""
    return _move(slug, "suspended")


@command.command(epilog="Example: followup tenant resume acme")
@click.argument("slug")
def resume(slug: str) -> int:
    """Resume tenant SLUG after it was suspended."""
    return _move(slug, "active")


@command.command(epilog="Example: followup tenant delete acme --yes")
@click.argument("slug")
@click.option("--yes", is_flag=True, required=True, help="There is no way back.")
def delete(slug: str, *, yes: bool) -> int:
    """Delete tenant SLUG for good: nothing of it goes out any more.

    Every service deletes its rows from then on. Its suppression list stays, as keyed
    hashes, under its id, which is printed.
    """
    del yes
    click.echo(perform(_deleted(settings(), slug)))
    return 0


@command.command("list", epilog="Example: followup tenant list --json")
@click.option("--json", "as_json", is_flag=True, help="Print JSON alone.")
def list_(*, as_json: bool) -> None:
    """List tenants."""
    found = perform(_listed(settings()))
    if as_json:
        click.echo(json.dumps(found))
        return
    for row in found:
        click.echo(f"{row['slug']}  {row['state']}  {row['name']}")


def _move(slug: str, state: Literal["active", "suspended"]) -> int:
    if perform(_moved(settings(), slug, state)):
        return 0
    click.echo(f"followup: tenant {slug} is {state} already", err=True)
    return 1


async def _deleted(given: Settings, slug: str) -> str:
    fence = StopFence()
    async with open_databases(given) as databases:
        async with databases.worker.transaction() as tx:
            tenant = await tenant_named(tx, slug)
            await delete_tenant(tx, tenant.id, asked_by=None)
        await fence.settle(fence.moment())
    return str(tenant.id)


async def _moved(given: Settings, slug: str, state: Literal["active", "suspended"]) -> bool:
    async with open_databases(given) as databases, databases.worker.transaction() as tx:
        tenant = await tenant_named(tx, slug)
        moved = await set_tenant_state(tx, tenant.id, state)
        if moved:
            deed = Deed("tenant state", [tenant.id], {"state": state})
            await record_deed(tx, tenant.id, deed, key_id=None, actor="command")
        return moved


def _changes(pairs: tuple[str, ...]) -> dict[str, Any]:
    """The settings as they will be stored; a name or a value that does not fit is told."""
    wanted = dict(pair.partition("=")[::2] for pair in pairs)
    unknown = sorted(wanted.keys() - (TenantSettings.model_fields.keys() - _BY_HAND))
    if unknown or any("=" not in pair for pair in pairs):
        raise WrongUse(f"NAME=VALUE: {unknown[0] if unknown else pairs[0]!r} is no setting")
    try:
        read = TenantSettings.model_validate(wanted)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise WrongUse(f"{first['loc'][0]}: {first['msg']}") from None
    return {name: getattr(read, name) for name in wanted}


async def _set(given: Settings, slug: str, changes: dict[str, Any]) -> dict[str, Any]:
    async with open_databases(given) as databases, databases.worker.transaction() as tx:
        tenant = await tenant_named(tx, slug)
        changed = await set_tenant_settings(tx, tenant.id, changes)
        deed = Deed("tenant set", [tenant.id], {"settings": sorted(changes)})
        await record_deed(tx, tenant.id, deed, key_id=None, actor="command")
        return (changed or tenant).settings.model_dump(mode="json")


async def _created(
    given: Settings, slug: str, name: str, business_name: str, *, stops_of: UUID | None
) -> str:
    async with open_databases(given) as databases, databases.worker.transaction() as tx:
        if stops_of is not None and not await tenants_by_id(tx, [stops_of]):
            raise WrongUse(f"--stops-of: there is no tenant {stops_of}")
        try:
            tenant = await create_tenant(tx, slug, name, {"business_name": business_name or name})
        except SlugTaken as error:
            raise WrongUse(f"SLUG: {error}") from None
        if stops_of is not None:
            await take_over_listings(tx, former=stops_of, heir=tenant.id)
        return str(tenant.id)


async def _listed(given: Settings) -> list[dict[str, Any]]:
    async with open_databases(given) as databases, databases.worker.transaction() as tx:
        return [{**row, "id": str(row["id"])} for row in await tx.all(_LIST)]
