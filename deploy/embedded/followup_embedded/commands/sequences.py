"""`followup sequences list|show|copy`."""

import json
from pathlib import Path
from typing import Any

import click

from followup_embedded.commands.documents import library_text
from followup_embedded.commands.errors import WrongUse
from followup_scheduler.core.document import Sequence, to_json
from followup_scheduler.core.library import files_of, library, load


@click.group(epilog="Example: followup sequences copy d1 my-sequence.yaml")
def command() -> None:
    """The sequences that come with Followup, to be used or copied and changed."""


@command.command("list", epilog="Example: followup sequences list --json")
@click.option("--json", "as_json", is_flag=True, help="Print JSON alone.")
def list_(*, as_json: bool) -> None:
    """List them."""
    found = [load(key) for key in library()]
    if as_json:
        click.echo(json.dumps([_row(sequence) for sequence in found]))
        return
    for sequence in found:
        click.echo(f"{sequence.key:<16}{len(sequence.steps):>2} steps  {sequence.name}")


def _row(sequence: Sequence) -> dict[str, Any]:
    return {
        "key": sequence.key,
        "name": sequence.name,
        "description": sequence.description,
        "file": files_of()[sequence.key],
        "anchor": sequence.anchor,
        "steps": len(sequence.steps),
        "channels": sorted({channel for channel, _ in sequence.uses()}),
    }


@command.command(epilog="Example: followup sequences show d1")
@click.argument("key")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON, defaults written out.")
def show(key: str, *, as_json: bool) -> None:
    """Print the document of sequence KEY."""
    text = library_text(key)
    if as_json:
        click.echo(json.dumps(to_json(load(key))))
    else:
        click.echo(text, nl=False)


@command.command(epilog="Example: followup sequences copy d1 my-sequence.yaml")
@click.argument("key")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Write over FILE if it is there.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON alone.")
def copy(key: str, file: Path, *, force: bool, as_json: bool) -> int:
    """Write sequence KEY to FILE, to be changed; give the copy a key of its own."""
    text = library_text(key)
    if file.exists() and not force:
        click.echo(f"followup: {file} is there already (--force writes over it)", err=True)
        return 1
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise WrongUse(f"FILE: {file}: {error.strerror}") from None
    if as_json:
        click.echo(json.dumps({"key": key, "file": str(file)}))
        return 0
    click.echo(f"{file} written; change its key, then: followup lint {file}")
    return 0
