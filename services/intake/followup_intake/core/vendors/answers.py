"""Answers to a form's questions as the fields of a lead."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from followup_intake.core.columns import ATTRIBUTE, IGNORED, field_of

MOST = 200
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Sent:
    """One lead as a vendor sent it: `fields` are those of `normalise_lead`."""

    external_id: str | None
    fields: Mapping[str, Any]
    page: str | None = None


@dataclass(frozen=True, slots=True)
class Test:
    """A vendor's own test: nobody's lead."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What came is not what this vendor sends; why, in a few words."""

    why: str


@dataclass(frozen=True, slots=True)
class Rules:
    """How a source's questions are to be read: its mapping, and what its leads are called."""

    lead_source: str
    mapping: Mapping[str, str] = field(default_factory=dict)


def as_fields(answers: Iterable[tuple[str, Any]], rules: Rules) -> dict[str, Any]:
    """Answers by their questions' meaning; the first of a kind counts.

    What a mapping names comes first, then what a heading says; the rest are attributes
    under their own names.
    """
    mapping = {name.casefold(): meant for name, meant in rules.mapping.items()}
    fields: dict[str, Any] = {"source": rules.lead_source}
    attributes: dict[str, str] = {}
    for number, (name, value) in enumerate(answers):
        text = str(value).replace("\0", "")
        if number >= MOST or not text.strip():
            continue
        heading = name.replace("\0", "")[:_LONGEST_NAME]
        meant = mapping.get(heading.casefold()) or field_of(heading) or f"{ATTRIBUTE}{heading}"
        if meant.startswith(ATTRIBUTE):
            attributes.setdefault(meant.removeprefix(ATTRIBUTE), text)
        elif meant not in (IGNORED, "source"):
            fields.setdefault(meant, text)
    return fields | ({"attributes": attributes} if attributes else {})


def mapping_of(value: Any) -> Mapping[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def list_of(value: Any) -> list[Any]:
    """The value if it is a list, up to the number of answers that are read."""
    return value[: MOST * 2] if isinstance(value, list) else []
