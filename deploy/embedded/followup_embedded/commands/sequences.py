"""`followup sequences list|show|copy`."""

import json
from pathlib import Path

import click

from followup_embedded.commands.documents import library_text
from followup_scheduler.core.library import library, load


@click.group(epilog="Example: followup sequences copy d1 my-sequence.yaml")
def command() -> None:
    """The sequences that come with Followup, to be used or copied and changed."""


@command.command("list", epilog="Example: followup sequences list --json")
@click.option("--json", "as_json", is_flag=True, help="Print JSON alone.")
def list_(*, as_json: bool) -> None:
    """List them."""
    found = [load(key) for key in library()]
    if as_json:
        rows = [{"key": s.key, "name": s.name, "steps": len(s.steps)} for s in found]
        click.echo(json.dumps(rows))
        return
    for sequence in found:
        click.echo(f"{sequence.key:<14}{len(sequence.steps):>2} steps  {sequence.name}")


@command.command(epilog="Example: followup sequences show d1")
@click.argument("key")
def show(key: str) -> None:
    """Print the document of sequence KEY."""
    click.echo(library_text(key), nl=False)


@command.command(epilog="Example: followup sequences copy d1 my-sequence.yaml")
@click.argument("key")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Write over FILE if it is there.")
def copy(key: str, file: Path, *, force: bool) -> int:
    """Write sequence KEY to FILE, to be changed; give the copy a key of its own."""
    text = library_text(key)
    if file.exists() and not force:
        click.echo(f"followup: {file} is there already (--force writes over it)", err=True)
        return 1
    file.write_text(text, encoding="utf-8")
    click.echo(f"{file} written; change its key, then: followup lint {file}")
    return 0
