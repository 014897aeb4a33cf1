"""Values to a sequence, or to a full list of what is wrong with them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from followup_contracts.events import Intent
from followup_contracts.payload import CHANNELS
from followup_scheduler.core import content, document, source
from followup_scheduler.core.document import Sequence, Step, Touch
from followup_scheduler.core.errors import BadDocument, Fault
from followup_scheduler.core.source import pointer

LineOf = Callable[[str], int | None]

_MOST_FAULTS = 50
_FIELDS: frozenset[str] = frozenset(
    field.alias or name
    for module in (document, content)
    for model in vars(module).values()
    if isinstance(model, type) and issubclass(model, BaseModel)
    for name, field in model.model_fields.items()
)
_VALUES: tuple[str, ...] = (*get_args(Intent), *CHANNELS, "at_once", "preferred", "go_on")
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
        Fault(line_of(path), path, message, hint) for path, message, hint in _references(sequence)
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
        return _close(str(loc[-1]), _FIELDS)
    if kind == "literal_error" and isinstance(value, str):
        return _close(value, _VALUES)
    return None


def _close(word: str, known: Any) -> str | None:
    near = get_close_matches(word, sorted(known), n=1)
    return f"did you mean {near[0]}?" if near and near[0] != word else None


# What fields alone cannot say: names that refer, and order.

_Finding = tuple[str, str, str | None]


def _references(sequence: Sequence) -> Iterator[_Finding]:
    seen: set[str] = set()
    latest = None
    for number, step in enumerate(sequence.steps):
        path = f"/steps/{number}"
        if step.id in seen:
            yield f"{path}/id", f"{step.id!r} is the id of another step too", None
        earliest = step.at.earliest()
        if latest is not None and earliest < latest:
            yield f"{path}/at", "is before the step above it", "write the steps in their order"
        latest = max(earliest, latest) if latest is not None else earliest
        yield from _touches(sequence, step, path=path, before=frozenset(seen))
        seen.add(step.id)
    used = {c.use for s in sequence.steps for t in s.touches for c in t.choices()}
    for key in sequence.templates:
        if key not in used:
            hint = _close(key, used)
            yield pointer("/templates", key), "no touch uses it", hint


def _touches(
    sequence: Sequence, step: Step, *, path: str, before: frozenset[str]
) -> Iterator[_Finding]:
    channels: set[str] = set()
    for number, touch in enumerate(step.touches):
        here = f"{path}/touches/{number}"
        if touch.channel in channels:
            yield f"{here}/channel", f"the step has another {touch.channel} already", None
        channels.add(touch.channel)
        if touch.part is not None and touch.channel != "voice":
            yield f"{here}/part", "only a call has a part of the day", None
        for name in sorted(touch.asks_about() - before):
            yield here, f"asks about {name!r}, which is no step before it", _close(name, before)
        yield from _templates(sequence, touch, path=here)


def _templates(sequence: Sequence, touch: Touch, *, path: str) -> Iterator[_Finding]:
    choices = touch.choices()
    for number, choice in enumerate(choices):
        here = f"{path}/template" + ("" if isinstance(touch.template, str) else f"/{number}")
        body = sequence.templates.get(choice.use)
        if body is None:
            yield here, f"no template {choice.use!r}", _close(choice.use, sequence.templates)
        elif (misfit := body.misfits(touch.channel)) is not None:
            yield pointer("/templates", choice.use), misfit, None
        if choice.when is None and number + 1 < len(choices):
            yield here, "always fits, so what follows is never used", "give it a when"
