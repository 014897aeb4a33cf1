"""Who a sequence is played for: one lead or many, from a file."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from followup_embedded.commands.errors import WrongUse
from followup_intake.core.errors import NotATable
from followup_intake.core.lead import LeadDraft
from followup_intake.core.normalise import normalise_rows
from followup_intake.core.table import read_table
from followup_scheduler.imagined import Play

_TABLES = frozenset({".csv", ".tsv", ".xlsx", ".txt"})
_PLAY = frozenset(Play.model_fields)
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def plays(file: Path | None, **common: Any) -> list[Play]:
    """What to play: one lead without a file, else those in it.

    A file is a table such as `followup import` takes (its rejected rows are left out), JSON
    lines, or YAML or JSON with one lead or a list of them. `common` holds for each.
    """
    if file is None:
        return [_play({}, common, where="--when")]
    found = list(_told(file))
    return [
        _play(told, common, where=f"--lead: {number}") for number, told in enumerate(found, start=1)
    ]


def _play(told: dict[str, Any], common: dict[str, Any], *, where: str) -> Play:
    fields = told if told.keys() <= _PLAY else {"lead": told}
    try:
        return Play.model_validate({**fields, **common})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(map(str, first["loc"]))
        option = "--when" if first["loc"][0] == "when" else where
        message = first["msg"].removeprefix("Value error, ")
        raise WrongUse(f"{option}: {name}: {message}") from None


def _told(file: Path) -> Iterator[dict[str, Any]]:
    if file.suffix.lower() in _TABLES:
        yield from _rows(file)
        return
    try:
        text = file.read_text(encoding="utf-8-sig")
        value = _lines(text) if file.suffix.lower() == ".jsonl" else _value(file, text)
    except (yaml.YAMLError, UnicodeDecodeError, json.JSONDecodeError):
        raise WrongUse(f"--lead: {file} is neither a table nor YAML nor JSON") from None
    leads = value if isinstance(value, list) else [value]
    for lead in leads:
        if not isinstance(lead, dict):
            raise WrongUse(f"--lead: {file} holds no fields of a lead")
        yield lead


def _lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def _value(file: Path, text: str) -> Any:
    """JSON is YAML, but read some fifty times as fast as such."""
    if file.suffix.lower() == ".json":
        return json.loads(text)
    return yaml.load(text, Loader=_LOADER)  # noqa: S506 - both are safe loaders


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    today = datetime.now(UTC).date()
    try:
        with file.open("rb") as opened:
            for row in normalise_rows(read_table(opened), today=today, default_country="US"):
                if row.lead is not None:
                    yield {"lead": _lead(row.lead)}
    except NotATable as error:
        raise WrongUse(f"--lead: {file}: {error.reason}") from None


def _lead(draft: LeadDraft) -> dict[str, Any]:
    phone = ["sms", "voice", "whatsapp"] if draft.phone_e164 else []
    return {
        "source": draft.source,
        "consent": draft.consent,
        "channels": phone + (["email"] if draft.email_normalized else []),
        "country": draft.country,
        "state": draft.state,
        "postal_code": draft.postal_code,
        "city": draft.city,
        "phone": draft.phone_e164,
        "value": draft.value,
        "currency": draft.currency,
        "attributes": draft.attributes,
    }
