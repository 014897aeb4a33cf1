"""What differs between two versions of a sequence, in words."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from followup_scheduler.core import document

Steps = Sequence[Mapping[str, Any]]

_LONGEST = 80
_ITSELF = frozenset({"key", "format", "steps", "templates"})


def differences(old: document.Sequence, new: document.Sequence) -> tuple[str, ...]:
    """One sentence a difference: steps first, in the new order, then texts, then the rest.

    Steps are told apart by their ids: one whose id changed is a step gone and a new one.
    """
    before, after = document.to_json(old), document.to_json(new)
    return (
        *_steps(before["steps"], after["steps"]),
        *_texts(before.get("templates", {}), after.get("templates", {})),
        *_values(
            "", {k: v for k, v in before.items() if k not in _ITSELF},
            {k: v for k, v in after.items() if k not in _ITSELF},
        ),
    )  # fmt: skip


def _steps(
    before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    old = {step["id"]: step for step in before}
    new = {step["id"]: step for step in after}
    previous = "at the beginning"
    for key, step in new.items():
        if key not in old:
            yield f'Step "{key}" is new, {previous}: {_shape(step)}.'
        else:
            yield from _values(f'Step "{key}": ', _rest(old[key]), _rest(step))
        previous = f'after "{key}"'
    for key, step in old.items():
        if key not in new:
            yield f'Step "{key}" is gone; it was {_shape(step)}.'
    kept_before = [key for key in old if key in new]
    kept_after = [key for key in new if key in old]
    if kept_before != kept_after:
        yield f"The steps that stay now come in the order {', '.join(kept_after)}."


def _shape(step: Mapping[str, Any]) -> str:
    """A step in a few words: what it does."""
    if "touches" in step:
        channels = [_said(touch.get("channel")) for touch in step["touches"]]
        what = " and ".join(channels)
    else:
        what = next((kind for kind in step if kind not in ("id", "at", "when", "next")), "nothing")
    return f"{what}, at {_said(step['at'])}" if step.get("at") else what


def _rest(step: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in step.items() if name != "id"}


def _texts(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted(before.keys() | after.keys()):
        if key not in before:
            yield f'Text "{key}" is new.'
        elif key not in after:
            yield f'Text "{key}" is gone.'
        else:
            yield from _values(f'Text "{key}": ', before[key], after[key])


def _values(prefix: str, before: Any, after: Any, name: str = "") -> Iterator[str]:
    """Go down to what really differs; lists of the same length place by place."""
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted(before.keys() | after.keys()):
            yield from _values(prefix, before.get(key), after.get(key), _within(name, str(key)))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for place, (old, new) in enumerate(zip(before, after, strict=True), start=1):
            yield from _values(prefix, old, new, _within(name, str(place)))
    elif before is None or before == []:
        yield f"{prefix}{name} is {_said(after)}, and was not there."
    elif after is None or after == []:
        yield f"{prefix}{name} is gone; it was {_said(before)}."
    else:
        yield f"{prefix}{name} is {_said(after)}, was {_said(before)}."


def _within(name: str, key: str) -> str:
    return f"{name}.{key}" if name else key


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{key} {_said(each)}" for key, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(_said, value))
    said = str(value)
    if not isinstance(value, str) or said.replace("-", "").replace("_", "").isalnum():
        return said
    return f'"{said}"' if len(said) <= _LONGEST else f'"{said[: _LONGEST - 1]}…"'
