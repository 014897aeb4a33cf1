"""`followup simulate`."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import yaml
from pydantic import ValidationError

from followup_embedded.commands.documents import read
from followup_embedded.commands.errors import WrongUse
from followup_scheduler.core.errors import BadDocument
from followup_scheduler.core.simulate import calendar_json, calendar_text
from followup_scheduler.imagined import Play

_PLAY = {"lead", "calls", "failed", "replies"}


@click.command(epilog="Example: followup simulate d1 --start 2026-11-02T10:00:00-05:00")
@click.argument("file")
@click.option(
    "--lead",
    "lead_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="YAML or JSON: the lead's fields, or `lead` with `calls`, `failed`, `replies`.",
)
@click.option("--start", default=None, help="When the lead comes in, with an offset; else now.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON alone.")
def command(file: str, lead_file: Path | None, start: str | None, *, as_json: bool) -> int:
    """Play FILE, or the library's sequence of that key, on paper for one lead.

    Exits 1 when the document can't be used.
    """
    now = datetime.now(UTC)
    play = _play(lead_file, start)
    try:
        played = play.of(read(file), now=now)
    except BadDocument as error:
        click.echo(str(error), err=True)
        return 1
    if as_json:
        click.echo(json.dumps(calendar_json(played)))
    else:
        click.echo(calendar_text(played), nl=False)
    return 0


def _play(file: Path | None, start: str | None) -> Play:
    told: dict[str, Any] = _mapping(file) if file is not None else {}
    if not told.keys() <= _PLAY:
        told = {"lead": told}
    if start is not None:
        told["start"] = _moment(start)
    try:
        return Play.model_validate(told)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise WrongUse(f"--lead: {where}: {first['msg']}") from None


def _mapping(file: Path) -> dict[str, Any]:
    try:
        value = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError):
        raise WrongUse(f"--lead: {file} is neither YAML nor JSON") from None
    if not isinstance(value, dict):
        raise WrongUse(f"--lead: {file} holds no fields of a lead")
    return value


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise WrongUse(f"--start: {text!r} is no ISO 8601 time") from None
    if moment.tzinfo is None:
        raise WrongUse(f"--start: {text!r} needs an offset, such as {text}-05:00")
    return moment
