"""`followup dead list|show|replay|drop`."""

import json
from typing import Any
from uuid import UUID

import click

from followup_embedded.commands.office import open_databases, perform, settings
from followup_messaging import dead
from followup_messaging.dead import DeadLetter, Replay
from followup_runtime.settings import Settings

_WIDE = 100
_ids = click.argument("ids", type=click.UUID, nargs=-1, required=True)


@click.group(epilog="Example: followup dead list")
def command() -> None:
    """Work on dead letters: messages that a consumer could not handle."""


@command.command("list", epilog="Example: followup dead list --consumer scheduler --json")
@click.option("--consumer", default=None, help="Of this service alone.")
@click.option(
    "--state", type=click.Choice(["open", "replayed", "dropped"]), default="open", show_default=True
)
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON alone, an object a line.")
def list_(consumer: str | None, state: dead.State, limit: int, *, as_json: bool) -> None:
    """List dead letters, the oldest first."""
    for letter in perform(_listed(settings(), consumer, state, limit)):
        if as_json:
            click.echo(json.dumps(_shown(letter)))
        else:
            click.echo(f"{letter.id}  {letter.queue}  {letter.error[:_WIDE]}")


@command.command(epilog="Example: followup dead show LETTER_ID")
@click.argument("letter_id", type=click.UUID)
def show(letter_id: UUID) -> int:
    """Show a dead letter with its message and its whole error, as JSON."""
    letter = perform(_one(settings(), letter_id))
    if letter is None:
        click.echo(f"followup: there is no dead letter {letter_id}", err=True)
        return 1
    body = letter.body.decode("utf-8", "replace")
    click.echo(json.dumps({**_shown(letter), "body": body}, indent=2))
    return 0


@command.command(epilog="Example: followup dead replay LETTER_ID LETTER_ID")
@_ids
def replay(ids: tuple[UUID, ...]) -> int:
    """Give dead letters to their consumer again; exits 1 if one of them was refused."""
    done = perform(_replayed(settings(), ids))
    for id_ in done.replayed:
        click.echo(f"{id_} is on its way")
    for id_, why in done.refused.items():
        click.echo(f"{id_} refused: {why}", err=True)
    return 1 if done.refused else 0


@command.command(epilog="Example: followup dead drop LETTER_ID")
@_ids
def drop(ids: tuple[UUID, ...]) -> int:
    """Give dead letters up for good; exits 1 if one of them was not open."""
    number = perform(_dropped(settings(), ids))
    click.echo(f"{number} dropped")
    return 0 if number == len(set(ids)) else 1


def _shown(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": str(letter.id),
        "tenant_id": None if letter.tenant_id is None else str(letter.tenant_id),
        "consumer": letter.consumer,
        "queue": letter.queue,
        "message_id": None if letter.message_id is None else str(letter.message_id),
        "routing_key": letter.routing_key,
        "error": letter.error,
        "state": letter.state,
        "at": letter.at.isoformat(),
    }


async def _listed(
    given: Settings, consumer: str | None, state: dead.State, limit: int
) -> list[DeadLetter]:
    async with open_databases(given) as databases, databases.worker.transaction() as tx:
        return await dead.list_dead(tx, consumer=consumer, state=state, limit=limit)


async def _one(given: Settings, letter_id: UUID) -> DeadLetter | None:
    async with open_databases(given) as databases, databases.worker.transaction() as tx:
        return await dead.show(tx, letter_id)


async def _replayed(given: Settings, ids: tuple[UUID, ...]) -> Replay:
    async with open_databases(given) as databases, databases.worker.transaction() as tx:
        return await dead.replay(tx, ids)


async def _dropped(given: Settings, ids: tuple[UUID, ...]) -> int:
    async with open_databases(given) as databases, databases.worker.transaction() as tx:
        return await dead.drop(tx, ids)
