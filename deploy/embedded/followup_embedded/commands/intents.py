"""`followup intents`."""

import contextlib
import json
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final, get_args

import click

from followup_embedded.commands.confusion import plain_figures
from followup_replies.core.intents import INTENTS
from followup_replies.core.reading import InboundText, read
from followup_replies.core.scores import Row, evaluate, figures_object, row_object

_CHANNELS: Final = get_args(InboundText.__annotations__["channel"])
_YEAR: Final = re.compile(r"(?<![\d/.-])20\d\d(?!\d)")
_READ: Final = 10_000
_LONGEST_LINE: Final = 1_000_000
"""Bytes of a line; nobody writes a longer reply, and memory is not for sale."""


@click.command(epilog="Example: followup intents replies.jsonl --json")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="An object a reply, the last: figures.")
@click.option("--zone", default="UTC", show_default=True, help="Where days are reckoned (IANA).")
def command(file: Path, *, as_json: bool, zone: str) -> int:
    """Read the replies of FILE, JSON lines with `channel` and `body`, and say what they mean.

    `subject`, `headers`, `language` and `received` (ISO 8601) are used where they are
    there; `intent` and `opt_out` are labels to compare with: then the confusion matrix and
    the misses are shown. Lines that can't be read are named on standard error; exits 1 then.
    """
    rows: list[Row] = []
    unreadable = 0
    for number, line in _lines(file):
        try:
            row = _row(number, line, zone=zone)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            click.echo(f"line {number}: no reply: {_why(error)}", err=True)
            unreadable += 1
            continue
        rows.append(row)
        if as_json:
            sys.stdout.write(json.dumps(row_object(row), ensure_ascii=False) + "\n")
    if as_json:
        figures = figures_object(evaluate(rows)) | {"read": len(rows), "unreadable": unreadable}
        sys.stdout.write(json.dumps(figures, ensure_ascii=False) + "\n")
    else:
        click.echo(plain_figures(rows))
    click.echo(f"{len(rows)} replies read, {unreadable} not readable", err=True)
    return 1 if unreadable else 0


def _why(error: Exception) -> str:
    return f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)


def _lines(file: Path) -> Iterator[tuple[int, bytes]]:
    """Give the lines that hold something; of one that is too long its beginning."""
    with file.open("rb") as opened:
        number = 0
        while line := opened.readline(_LONGEST_LINE + 1):
            number += 1
            rest = line
            while len(rest) > _LONGEST_LINE and not rest.endswith(b"\n"):
                rest = opened.readline(_LONGEST_LINE + 1)
            if line.strip().removeprefix(b"\xef\xbb\xbf"):
                yield number, line


def _row(number: int, line: bytes, *, zone: str) -> Row:
    if len(line) > _LONGEST_LINE:
        raise ValueError(f"longer than {_LONGEST_LINE:,} bytes")
    reply = json.loads(line.decode("utf-8-sig"))
    if not isinstance(reply, dict):
        raise TypeError("not an object")
    intent, opt_out = reply.get("intent"), reply.get("opt_out")
    if intent is not None and intent not in INTENTS:
        raise ValueError(f"no intent {intent!r}")
    if opt_out is not None and not isinstance(opt_out, bool):
        raise TypeError("opt_out is neither true nor false")
    name = reply.get("id")
    return Row(
        id=f"line {number}" if name is None else str(name),
        reading=read(_text(reply), received=_received(reply), zone=zone),
        intent=intent,
        opt_out=opt_out,
    )


def _text(reply: dict[str, Any]) -> InboundText:
    if reply["channel"] not in _CHANNELS:
        raise ValueError(f"channel {reply['channel']!r}")
    body, subject, headers = reply["body"], reply.get("subject"), reply.get("headers") or {}
    if not isinstance(body, str) or not isinstance(subject, str | None):
        raise TypeError("body and subject are text")
    if not isinstance(headers, dict):
        raise TypeError("headers are an object")
    return InboundText(
        channel=reply["channel"],
        body=body,
        subject=subject,
        headers={str(name): str(value) for name, value in headers.items()},
        language=str(reply["language"]) if reply.get("language") else None,
    )


def _received(reply: dict[str, Any]) -> datetime:
    """When it came: as told, else by its Date header, else before the first year it names.

    Full dates of old replies would lie in the past otherwise; without any it is now.
    """
    told, now = reply.get("received"), datetime.now(UTC)
    if told is not None:
        return _aware(datetime.fromisoformat(str(told)))
    headers = {str(name).lower(): value for name, value in (reply.get("headers") or {}).items()}
    with contextlib.suppress(ValueError, TypeError, KeyError):
        return _aware(parsedate_to_datetime(str(headers["date"])))
    years = [int(year) for year in _YEAR.findall(str(reply["body"])[:_READ])]
    first = datetime(min(years, default=now.year), 1, 1, tzinfo=UTC) - timedelta(days=31)
    return min(now, first) if years else now


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
