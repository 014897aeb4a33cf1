"""`followup tenant create|list`."""

import json
import re
from typing import Any

import click
from sqlalchemy import text

from followup_directory import SlugTaken, create_tenant
from followup_embedded.commands.errors import WrongUse
from followup_embedded.commands.office import open_databases, perform, settings
from followup_runtime.settings import Settings

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_LIST = text("SELECT slug, name, state, id FROM directory.tenants ORDER BY slug")


@click.group(epilog="Example: followup tenant create acme --business-name 'Acme Roofing'")
def command() -> None:
    """Create and list tenants."""


@command.command(epilog="Example: followup tenant create acme --name Acme")
@click.argument("slug")
@click.option("--name", default=None, help="Its name for people; else the slug.")
@click.option("--business-name", default="", help="How its messages name it.")
def create(slug: str, name: str | None, business_name: str) -> None:
    """Create tenant SLUG; its leads go to the sandbox until it has accounts."""
    if not _SLUG.fullmatch(slug):
        raise WrongUse(f"SLUG: {slug!r} is not lower-case letters, digits and hyphens")
    made = perform(_created(settings(), slug, name or slug, business_name))
    click.echo(made)


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


async def _created(given: Settings, slug: str, name: str, business_name: str) -> str:
    async with open_databases(given) as databases, databases.worker.transaction() as tx:
        try:
            tenant = await create_tenant(tx, slug, name, {"business_name": business_name or name})
        except SlugTaken as error:
            raise WrongUse(f"SLUG: {error}") from None
        return str(tenant.id)


async def _listed(given: Settings) -> list[dict[str, Any]]:
    async with open_databases(given) as databases, databases.worker.transaction() as tx:
        return [{**row, "id": str(row["id"])} for row in await tx.all(_LIST)]
