"""`followup dead list|show|replay|drop`."""

import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import UUID

import click

from followup_database import Transaction
from followup_embedded.commands.errors import WrongUse
from followup_embedded.commands.office import open_databases, perform, settings
from followup_messaging import dead
from followup_messaging.dead import DeadLetter, Replay, Which
from followup_runtime.settings import Settings

PAGE = 500
"""Letters that are replayed or dropped in one transaction."""
_WIDE = 100
_T = TypeVar("_T")
_Options = Callable[[Callable[..., Any]], Callable[..., Any]]

_ids = click.argument("ids", type=click.UUID, nargs=-1)
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON alone.")


def _filters(whose: str) -> _Options:
    """The options that say which letters."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in (
            click.option("--tenant", type=click.UUID, help=f"{whose} this tenant's (its id)."),
            click.option("--type", "message_type", help=f"{whose} messages of this type."),
            click.option("--consumer", help=f"{whose} this service's."),
        ):
            command = option(command)
        return command

    return add


def _bulk(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a command that works on named letters or on many."""
    command = click.option("--yes", is_flag=True, help="Do not ask before working on many.")(
        command
    )
    command = click.option("--all", "everything", is_flag=True, help="Every open letter.")(command)
    return _filters("Every open one of")(command)


@click.group(epilog="Example: followup dead list")
def command() -> None:
    """Work on dead letters: messages that a consumer could not handle."""


@command.command("list", epilog="Example: followup dead list --consumer scheduler --json")
@_filters("Only")
@click.option(
    "--state", type=click.Choice(["open", "replayed", "dropped"]), default="open", show_default=True
)
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON alone, an object a line.")
def list_(state: dead.State, limit: int, *, as_json: bool, **chosen: Any) -> None:
    """List dead letters, the oldest first."""
    which = _which(chosen, state=state)
    for letter in perform(_in_one(lambda tx: dead.list_dead(tx, which, limit=limit))):
        if as_json:
            click.echo(json.dumps(_shown(letter)))
        else:
            click.echo(f"{letter.id}  {letter.queue}  {letter.type}  {letter.error[:_WIDE]}")


@command.command(epilog="Example: followup dead show LETTER_ID")
@click.argument("letter_id", type=click.UUID)
def show(letter_id: UUID) -> int:
    """Show a dead letter with its message and its whole error, as JSON."""
    letter = perform(_in_one(lambda tx: dead.show(tx, letter_id)))
    if letter is None:
        click.echo(f"followup: there is no dead letter {letter_id}", err=True)
        return 1
    body = letter.body.decode("utf-8", "replace")
    click.echo(json.dumps({**_shown(letter), "body": body}, indent=2))
    return 0


@command.command(epilog="Example: followup dead replay --consumer scheduler --yes")
@_ids
@_bulk
@_json
def replay(ids: tuple[UUID, ...], *, as_json: bool, **chosen: Any) -> int:
    """Give dead letters to their consumer again; exits 1 if one of them was refused.

    Name them, or choose them by --consumer, --type, --tenant or --all.
    """
    wanted = _wanted(ids, chosen, "replay")
    if wanted is None:
        return 1
    replayed: list[UUID] = []
    refused: dict[UUID, str] = {}
    for done in perform(_paged(wanted, dead.replay)):
        replayed += done.replayed
        refused |= done.refused
    if as_json:
        told = {str(id_): why for id_, why in refused.items()}
        click.echo(json.dumps({"replayed": [str(id_) for id_ in replayed], "refused": told}))
    else:
        _say(Replay(tuple(replayed), refused))
    return 1 if refused else 0


@command.command(epilog="Example: followup dead drop LETTER_ID")
@_ids
@_bulk
@_json
def drop(ids: tuple[UUID, ...], *, as_json: bool, **chosen: Any) -> int:
    """Give dead letters up for good; exits 1 if one of them was not open.

    Name them, or choose them by --consumer, --type, --tenant or --all.
    """
    wanted = _wanted(ids, chosen, "drop")
    if wanted is None:
        return 1
    number = sum(perform(_paged(wanted, dead.drop)))
    click.echo(json.dumps({"dropped": number}) if as_json else f"{number} dropped")
    return 0 if number == len(wanted) else 1


def _say(done: Replay) -> None:
    for id_ in done.replayed:
        click.echo(f"{id_} is on its way")
    for id_, why in done.refused.items():
        click.echo(f"{id_} refused: {why}", err=True)


def _which(chosen: dict[str, Any], *, state: dead.State = "open") -> Which:
    return Which(chosen["consumer"], chosen["message_type"], chosen["tenant"], state)


def _wanted(ids: tuple[UUID, ...], chosen: dict[str, Any], verb: str) -> list[UUID] | None:
    """The letters a command is to work on; None when its user thought better of it."""
    which = _which(chosen)
    many = chosen["everything"] or which != Which()
    if many == bool(ids):
        raise WrongUse("name letters, or choose them by --consumer, --type, --tenant or --all")
    if not many:
        return list(dict.fromkeys(ids))
    found = perform(_open(settings(), which))
    if found and not chosen["yes"]:
        if not sys.stdin.isatty():
            raise WrongUse(f"{len(found)} letters: --yes is needed where nobody can be asked")
        if not click.confirm(f"{verb} {len(found)} letters?", err=True):
            return None
    return found


async def _open(given: Settings, which: Which) -> list[UUID]:
    """The open letters there are now; what dies meanwhile is left for the next time."""
    found: list[UUID] = []
    async with open_databases(given) as databases:
        while True:
            async with databases.worker.transaction() as tx:
                after = found[-1] if found else None
                page = await dead.list_dead(tx, which, after=after, limit=PAGE)
            found += [letter.id for letter in page]
            if len(page) < PAGE:
                return found


async def _paged(
    ids: list[UUID], work: Callable[[Transaction, list[UUID]], Awaitable[_T]]
) -> list[_T]:
    """What a piece of work returns of each page, every page in a transaction of its own."""
    async with open_databases(settings()) as databases:
        results: list[_T] = []
        for start in range(0, len(ids), PAGE):
            async with databases.worker.transaction() as tx:
                results.append(await work(tx, ids[start : start + PAGE]))
        return results


async def _in_one(work: Callable[[Transaction], Awaitable[_T]]) -> _T:
    async with open_databases(settings()) as databases, databases.worker.transaction() as tx:
        return await work(tx)


def _shown(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": str(letter.id),
        "tenant_id": None if letter.tenant_id is None else str(letter.tenant_id),
        "consumer": letter.consumer,
        "queue": letter.queue,
        "message_id": None if letter.message_id is None else str(letter.message_id),
        "type": letter.type,
        "routing_key": letter.routing_key,
        "error": letter.error,
        "state": letter.state,
        "at": letter.at.isoformat(),
    }
