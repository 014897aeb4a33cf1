"""`followup emergency declare|lift|list`."""

import json
import re
from dataclasses import asdict
from uuid import UUID

import click

from followup_database import Transaction
from followup_directory import EVERYBODY, declare_emergency, emergency_stops, lift_emergency
from followup_embedded.commands.errors import WrongUse
from followup_embedded.commands.office import open_databases, perform, settings
from followup_embedded.commands.tenants import tenant_named
from followup_runtime.settings import Settings
from followup_suppression import StopFence

_JURISDICTION = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")

_tenant = click.option("--tenant", default=None, help="For this tenant alone; else for all.")
_who = click.option("--who", required=True, help="On whose word.")


@click.group(epilog="Example: followup emergency declare US-LA --who 'R. Roe' --reason 'hurricane'")
def command() -> None:
    """Stop all contact in a jurisdiction where an emergency was declared."""


@command.command(epilog="Example: followup emergency declare US-LA --who Roe --reason hurricane")
@click.argument("jurisdiction")
@click.option("--reason", required=True, help="What was declared, for the trace.")
@_who
@_tenant
def declare(jurisdiction: str, reason: str, who: str, tenant: str | None) -> None:
    """Stop contact in JURISDICTION, such as US-LA or FR, at once."""
    if not _JURISDICTION.fullmatch(jurisdiction):
        raise WrongUse(f"JURISDICTION: {jurisdiction!r} is not like US-LA or FR")
    declared = perform(_declare(settings(), tenant, jurisdiction, reason, who))
    click.echo("declared" if declared else "it is declared already")


@command.command(epilog="Example: followup emergency lift US-LA --who Roe")
@click.argument("jurisdiction")
@_who
@_tenant
def lift(jurisdiction: str, who: str, tenant: str | None) -> None:
    """End the stop in JURISDICTION."""
    if not perform(_lift(settings(), tenant, jurisdiction, who)):
        raise WrongUse(f"JURISDICTION: no emergency stop stands in {jurisdiction}")
    click.echo("lifted")


@command.command("list", epilog="Example: followup emergency list --json")
@_tenant
@click.option("--json", "as_json", is_flag=True, help="Print JSON alone.")
def list_(tenant: str | None, *, as_json: bool) -> None:
    """List stops, past ones included."""
    found = perform(_listed(settings(), tenant))
    if as_json:
        click.echo(json.dumps(found, default=str))
        return
    for row in found:
        state = f"lifted {row['lifted_at']}" if row["lifted_at"] else "in force"
        click.echo(f"{row['jurisdiction']}  {state}  {row['reason']}  ({row['declared_by']})")


async def _declare(
    given: Settings, tenant: str | None, jurisdiction: str, reason: str, who: str
) -> bool:
    async with open_databases(given) as databases, databases.worker.transaction() as tx:
        id_ = await _of(tx, tenant)
        made = await declare_emergency(tx, id_, jurisdiction, reason=reason, who=who)
    # Nothing that it forbids begins once the command has said so.
    fence = StopFence()
    await fence.settle(fence.moment())
    return made


async def _lift(given: Settings, tenant: str | None, jurisdiction: str, who: str) -> bool:
    async with open_databases(given) as databases, databases.worker.transaction() as tx:
        return await lift_emergency(tx, await _of(tx, tenant), jurisdiction, who=who)


async def _listed(given: Settings, tenant: str | None) -> list[dict[str, object]]:
    async with open_databases(given) as databases, databases.worker.transaction() as tx:
        return [asdict(stop) for stop in await emergency_stops(tx, await _of(tx, tenant))]


async def _of(tx: Transaction, slug: str | None) -> UUID:
    return EVERYBODY if slug is None else (await tenant_named(tx, slug)).id
