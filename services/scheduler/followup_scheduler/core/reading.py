"""Values to a sequence, or to a full list of what is wrong with them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from followup_contracts.payload import CHANNELS
from followup_scheduler.core import source
from followup_scheduler.core.document import Sequence
from followup_scheduler.core.errors import BadDocument, Fault
from followup_scheduler.core.format.reaction import TRIGGERS
from followup_scheduler.core.references import close, references
from followup_scheduler.core.source import pointer

LineOf = Callable[[str], int | None]

_MOST_FAULTS = 50
_VALUES: tuple[str, ...] = (
    *TRIGGERS,
    *CHANNELS,
    "at_once",
    "preferred",
    "best",
    "go_on",
    "template",
)
_MESSAGES: Mapping[str, str] = {
    "extra_forbidden": "no such field",
    "missing": "is missing",
    "string_pattern_mismatch": "must be lower-case letters, digits, - and _",
}


def parse_text(text: str, *, file: str) -> Sequence:
    """The sequence in a YAML text. Raises BadDocument."""
    read = source.read(text, file=file)
    return validate(read.values, file=file, line_of=read.line_of)


def validate(values: Any, *, file: str, line_of: LineOf = lambda _path: None) -> Sequence:
    """The sequence in plain values. Raises BadDocument with every fault found."""
    if not isinstance(values, Mapping):
        raise BadDocument([Fault(line_of(""), "", "a sequence is a map of fields")], file=file)
    try:
        sequence = Sequence.model_validate(values)
    except ValidationError as error:
        faults = _faults_of(error, values, line_of=line_of)
        raise BadDocument(faults[:_MOST_FAULTS], file=file) from error
    faults = [
        Fault(line_of(path), path, message, hint) for path, message, hint in references(sequence)
    ]
    if faults:
        raise BadDocument(faults[:_MOST_FAULTS], file=file)
    return sequence


def _faults_of(error: ValidationError, values: Any, *, line_of: LineOf) -> list[Fault]:
    found: dict[tuple[str, str], Fault] = {}
    details = error.errors(include_url=False, include_context=False)
    for detail in details:
        if detail["type"] == "too_short" and _has_inner(detail["loc"], details):
            continue  # it is short only because what is in it is wrong
        path = _path(detail["loc"], values)
        message = _MESSAGES.get(detail["type"]) or detail["msg"].removeprefix("Value error, ")
        hint = _suggestion(detail["type"], detail["loc"], detail["input"])
        found.setdefault((path, message), Fault(line_of(path), path, message, hint))
    return sorted(found.values(), key=lambda fault: (fault.line or 0, fault.path))


def _has_inner(loc: tuple[int | str, ...], details: Iterable[ErrorDetails]) -> bool:
    return any(len(d["loc"]) > len(loc) and d["loc"][: len(loc)] == loc for d in details)


def _path(loc: tuple[int | str, ...], values: Any) -> str:
    """A JSON pointer of the parts of `loc` that are in the document.

    pydantic adds the names of union members, and `[key]` for the key of a map.
    """
    path = ""
    for place, part in enumerate(loc):
        last = place == len(loc) - 1
        if isinstance(values, Mapping) and isinstance(part, str):
            if part in values:
                path, values = pointer(path, part), values[part]
            elif last and part != "[key]":
                path = pointer(path, part)
        elif isinstance(values, list | tuple) and isinstance(part, int) and part < len(values):
            path, values = pointer(path, part), values[part]
    return path


def _suggestion(kind: str, loc: tuple[int | str, ...], value: Any) -> str | None:
    if kind == "extra_forbidden":
        return close(str(loc[-1]), _fields())
    if kind == "literal_error" and isinstance(value, str):
        return close(value, _VALUES)
    return None


@cache
def _fields() -> frozenset[str]:
    """Every name that a field of a document may have."""
    return frozenset(_fields_of(Sequence, set()))


def _fields_of(model: type[BaseModel], seen: set[type[BaseModel]]) -> Iterator[str]:
    if model in seen:
        return
    seen.add(model)
    for name, field in model.model_fields.items():
        yield field.alias or name
        for inner in _models_in(field.annotation):
            yield from _fields_of(inner, seen)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)
