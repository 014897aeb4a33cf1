"""`followup demo`."""

import asyncio
import json
from datetime import datetime
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from followup_embedded.demo import figures, report
from followup_embedded.demo.errors import DemoFailed
from followup_embedded.demo.play import START, Outcome, play
from followup_runtime import logging

_EXAMPLE = Path("examples/leads.csv")


@click.command(epilog="Example: followup demo --leads examples/leads.csv")
@click.option(
    "--leads",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=_EXAMPLE,
    show_default=True,
    help="The file of leads to follow up.",
)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".followup"),
    show_default=True,
    help="Where the demo's database (folder demo, deleted at the start) and demo.json go.",
)
@click.option("--json", "as_json", is_flag=True, help="Print demo.json's figures alone.")
def command(leads: Path, folder: Path, *, as_json: bool) -> int:
    """Play a file of leads through their whole sequences, in one process, in a minute.

    Simulated people answer; the clock jumps whenever nothing is left to do. Nothing is
    sent. Exits 1 when a touch broke a rule, was lost or went twice.
    """
    logging.configure(level="WARNING", json=False)
    try:
        outcome = asyncio.run(_played(leads, folder / "demo"))
    except DemoFailed as error:
        raise click.ClickException(str(error)) from error
    told = figures.summary(outcome)
    (folder / "demo.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    if as_json:
        click.echo(json.dumps(told, indent=2))
    else:
        report.show(outcome, Console())
    return 1 if told["rule_violations"] or told["lost"] or told["duplicates"] else 0


async def _played(leads: Path, folder: Path) -> Outcome:
    shown = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[touches]} touches"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )
    with shown:
        bar = shown.add_task(f"{START:%a %d %b %Y %H:%M}", total=None, touches=0)

        def tell(ended: int, every: int, now: datetime, touches: int) -> None:
            told = f"{now:%a %d %b %Y %H:%M}"
            total = every or None
            shown.update(bar, completed=ended, total=total, description=told, touches=touches)

        return await play(leads, folder, progress=tell)
