"""`followup account put|list`."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import click
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from followup_contracts.payload import Channel
from followup_directory import Vault, accounts, keep_senders, put_account, put_sender
from followup_dispatcher.core.limits import read_limits
from followup_dispatcher.wiring import adapters
from followup_embedded.commands.errors import WrongUse
from followup_embedded.commands.office import open_databases, perform, settings
from followup_embedded.commands.tenants import tenant_named
from followup_runtime.databases import Databases
from followup_runtime.keyring import keys_of
from followup_runtime.settings import Settings

_tenant = click.option("--tenant", required=True, help="Whose account it is, such as default.")
_Text = Annotated[str, Field(min_length=1, max_length=500)]


class SenderFile(BaseModel):
    """A number or address of a pool, with a pace of its own."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    address: _Text
    rate_per_second: Annotated[float, Field(gt=0, le=100_000)] | None = None


class AccountFile(BaseModel):
    """An account as a file describes it; a secret `$NAME` is read from the environment."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: _Text
    channel: Channel
    provider: _Text
    priority: Annotated[int, Field(ge=-1000, le=1000)] = 0
    settings: dict[str, Any] = Field(default_factory=dict)
    secrets: dict[str, _Text] = Field(default_factory=dict)
    senders: tuple[SenderFile | _Text, ...] = ()

    def pool(self) -> tuple[SenderFile, ...]:
        """Its senders, those without a pace of their own included."""
        return tuple(
            each if isinstance(each, SenderFile) else SenderFile(address=each)
            for each in self.senders
        )


@click.group(epilog="Example: followup account put twilio.yaml --tenant default")
def command() -> None:
    """Connect a tenant with its providers."""


@command.command(epilog="Example: followup account put twilio.yaml --tenant default")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_tenant
def put(file: Path, tenant: str) -> None:
    """Make the account that FILE (YAML) describes, or change it; prints its id.

    `name`, `channel`, `provider`, `settings`, `secrets`, `senders`, `priority`. A secret
    written as $NAME is read from the environment; secrets are stored sealed. A sender that is
    not in the file any more is stopped.
    """
    click.echo(perform(_put(settings(), tenant, _described(file))))


@command.command("list", epilog="Example: followup account list --tenant default --json")
@_tenant
@click.option("--json", "as_json", is_flag=True, help="Print JSON alone.")
def list_(tenant: str, *, as_json: bool) -> None:
    """List a tenant's accounts; never their secrets."""
    found = perform(_listed(settings(), tenant))
    if as_json:
        click.echo(json.dumps(found))
        return
    for row in found:
        click.echo(
            f"{row['id']}  {row['state']}  {row['channel']}  {row['provider']}  {row['name']}"
        )


def _described(file: Path) -> AccountFile:
    try:
        told = yaml.safe_load(file.read_text(encoding="utf-8"))
        account = AccountFile.model_validate(told)
    except (yaml.YAMLError, UnicodeDecodeError):
        raise WrongUse(f"FILE: {file} is no YAML") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise WrongUse(f"FILE: {where}: {first['msg']}") from None
    return account.model_copy(update={"secrets": _revealed(account.secrets)})


def _revealed(secrets: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for name, value in secrets.items():
        if value.startswith("$") and not os.environ.get(value[1:]):
            raise WrongUse(f"FILE: secrets.{name}: the variable {value[1:]} is not set")
        found[name] = os.environ[value[1:]] if value.startswith("$") else value
    return found


async def _put(given: Settings, slug: str, wanted: AccountFile) -> str:
    async with open_databases(given) as databases:
        await _try(databases, wanted)
        async with databases.worker.transaction() as tx:
            tenant = await tenant_named(tx, slug)
            account = await put_account(
                tx,
                tenant.id,
                channel=wanted.channel,
                provider=wanted.provider,
                name=wanted.name,
                settings=wanted.settings,
                sealed=Vault(keys_of(given).secret_keys).seal(wanted.secrets),
                priority=wanted.priority,
            )
            for sender in wanted.pool():
                await put_sender(
                    tx,
                    tenant.id,
                    account.id,
                    channel=wanted.channel,
                    address=sender.address,
                    rate_per_second=sender.rate_per_second,
                )
            kept = [sender.address for sender in wanted.pool()]
            await keep_senders(tx, tenant.id, account.id, kept)
        return str(account.id)


async def _try(databases: Databases, wanted: AccountFile) -> None:
    """Let the adapter read it: a wrong setting is told here, not when a touch is due."""
    table = adapters(databases.worker)
    factory = table.get((wanted.provider, wanted.channel))
    if factory is None:
        known = ", ".join(sorted(f"{p} ({c})" for p, c in table))
        raise WrongUse(f"FILE: provider: there are {known}")
    try:
        read_limits(wanted.settings)
        provider = factory(wanted.settings, wanted.secrets)
    except ValueError as error:
        raise WrongUse(f"FILE: {error}") from None
    await provider.close()


async def _listed(given: Settings, slug: str) -> list[dict[str, Any]]:
    async with open_databases(given) as databases, databases.worker.transaction() as tx:
        tenant = await tenant_named(tx, slug)
        return [
            {
                "id": str(account.id),
                "channel": account.channel,
                "provider": account.provider,
                "name": account.name,
                "state": account.state,
                "settings": dict(account.settings),
                "priority": account.priority,
            }
            for account in await accounts(tx, [tenant.id])
        ]
