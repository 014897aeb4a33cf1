"""`followup simulate`."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from followup_contracts.channels import Channel
from followup_embedded.commands.crowds import crowd_of
from followup_embedded.commands.documents import read
from followup_embedded.commands.errors import WrongUse
from followup_embedded.commands.plays import plays
from followup_scheduler.core.calendar import calendar_json, calendar_text
from followup_scheduler.core.document import Sequence as Document
from followup_scheduler.core.errors import BadDocument
from followup_scheduler.core.simulate import Simulation
from followup_scheduler.imagined import Play
from followup_scheduler.outputs.crowd import Crowd, crowd_text
from followup_scheduler.outputs.drain import rate
from followup_scheduler.outputs.icalendar import icalendar
from followup_scheduler.outputs.page import page
from followup_scheduler.outputs.picture import svg

_FORMS = {"ics": icalendar, "svg": svg, "html": page}


@click.command(epilog="Example: followup simulate d1 --start 2026-11-02T10:00:00-05:00")
@click.argument("file")
@click.option(
    "--lead",
    "lead_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A lead's fields as YAML or JSON, or many: a list, JSON lines, or a CSV of leads.",
)
@click.option("--start", default=None, help="When the lead comes in, with an offset; else now.")
@click.option(
    "--when",
    multiple=True,
    metavar="WHAT-IF",
    help='What happens on the way: "day-1: reply.interested after 2h".',
)
@click.option(
    "--rate",
    "rates",
    multiple=True,
    metavar="CHANNEL=N/UNIT",
    help="How fast a channel sends, such as sms=10/s: tells how long all of it takes.",
)
@click.option("--json", "form", flag_value="json", help="Print JSON alone.")
@click.option("--ics", "form", flag_value="ics", help="Print iCalendar alone (one lead).")
@click.option("--svg", "form", flag_value="svg", help="Print an SVG picture alone (one lead).")
@click.option("--html", "form", flag_value="html", help="Print an HTML page alone (one lead).")
def command(
    file: str,
    *,
    lead_file: Path | None,
    start: str | None,
    when: tuple[str, ...],
    rates: tuple[str, ...],
    form: str | None,
) -> int:
    """Play FILE, or the library's sequence of that key, on paper: for one lead, or for many.

    One lead gets its calendar with what moved each touch, many are added up. Exits 1 when
    the document can't be used.
    """
    now = datetime.now(UTC)
    speeds = _rates(rates)
    wanted = plays(lead_file, **_common(start, when))
    if form in _FORMS and len(wanted) != 1:
        raise WrongUse(f"--{form}: one lead, and there are {len(wanted)}")
    try:
        sequence = read(file)
        _steps_exist(sequence, when)
        if len(wanted) == 1 and not speeds:
            _tell_one(wanted[0].of(sequence, now=now), form)
        else:
            _tell_all(_played(sequence, wanted, now=now), speeds, as_json=form == "json")
    except BadDocument as error:
        click.echo(str(error), err=True)
        return 1
    return 0


def _common(start: str | None, when: Sequence[str]) -> dict[str, Any]:
    """What holds for every lead of the file."""
    common: dict[str, Any] = {} if start is None else {"start": _moment(start)}
    return common | ({"when": when} if when else {})


def _rates(texts: Sequence[str]) -> dict[Channel, float]:
    try:
        return dict(map(rate, texts))
    except ValueError as error:
        raise WrongUse(f"--rate: {error}") from None


def _steps_exist(sequence: Document, when: Sequence[str]) -> None:
    for text in when:
        step = text.partition(":")[0].strip()
        if step != "start" and sequence.step(step) is None:
            raise WrongUse(f"--when: {text!r}: the sequence has no step {step!r}")


def _played(sequence: Document, wanted: Sequence[Play], *, now: datetime) -> Crowd:
    """Everybody's runs added up; people see how far it is."""
    shown = sys.stderr.isatty()

    def tell(leads: int) -> None:
        if shown:
            click.echo(f"\r{leads:,} of {len(wanted):,} leads", nl=False, err=True)

    crowd = crowd_of(sequence, wanted, now=now, tell=tell)
    if shown:
        click.echo(err=True)
    return crowd


def _tell_one(played: Simulation, form: str | None) -> None:
    if form is None:
        click.echo(calendar_text(played), nl=False)
    elif form == "json":
        click.echo(json.dumps(calendar_json(played)))
    else:
        click.echo(_FORMS[form](played), nl=False)


def _tell_all(crowd: Crowd, rates: Mapping[Channel, float], *, as_json: bool) -> None:
    told = crowd.told(rates)
    click.echo(json.dumps(told) if as_json else crowd_text(told), nl=as_json)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise WrongUse(f"--start: {text!r} is no ISO 8601 time") from None
    if moment.tzinfo is None:
        raise WrongUse(f"--start: {text!r} needs an offset, such as {text}-05:00")
    return moment
