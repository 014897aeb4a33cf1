"""`followup intents`."""

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from followup_replies.core.reading import InboundText, read

_CHANNELS = ("sms", "email", "voice")


@click.command(epilog="Example: followup intents replies.jsonl --json")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON alone; an object a reply.")
def command(file: Path, *, as_json: bool) -> int:
    """Read the replies of FILE, JSON lines with `channel` and `body`, and say what they mean.

    `subject`, `headers`, `language` and `received` (ISO 8601) are used where they are
    there. Exits 1 when a line can't be read.
    """
    wrong = lines = 0
    for number, line in _lines(file):
        told = _told(number, line)
        lines += 1
        wrong += "error" in told
        if as_json:
            sys.stdout.write(json.dumps(told, ensure_ascii=False) + "\n")
        else:
            click.echo(_plain(told))
    click.echo(f"{lines} replies read, {wrong} not readable", err=True)
    return 1 if wrong else 0


def _lines(file: Path) -> Iterator[tuple[int, bytes]]:
    with file.open("rb") as opened:
        for number, line in enumerate(opened, start=1):
            if line.strip():
                yield number, line


def _told(number: int, line: bytes) -> dict[str, Any]:
    try:
        reply = json.loads(line)
        text, received = _text(reply)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        return {"line": number, "error": f"no reply: {error}"}
    reading = read(text, received=received, zone="UTC")
    return {
        "line": number,
        "id": reply.get("id"),
        "intent": reading.intent,
        "opt_out": reading.opt_out,
        "confidence": round(reading.confidence, 3),
        "until": None if reading.until is None else reading.until.isoformat(),
        "rules": list(reading.rules),
    }


def _text(reply: dict[str, Any]) -> tuple[InboundText, datetime]:
    if reply["channel"] not in _CHANNELS:
        raise ValueError(f"channel {reply['channel']!r}")
    received = reply.get("received")
    moment = datetime.now(UTC) if received is None else datetime.fromisoformat(received)
    text = InboundText(
        channel=reply["channel"],
        body=str(reply["body"]),
        subject=reply.get("subject"),
        headers=reply.get("headers") or {},
        language=reply.get("language"),
    )
    return text, moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _plain(told: dict[str, Any]) -> str:
    if "error" in told:
        return f"line {told['line']}: {told['error']}"
    stop = ", opt-out" if told["opt_out"] else ""
    name = told["id"] or f"line {told['line']}"
    return f"{name}: {told['intent']} ({told['confidence']}){stop}"
