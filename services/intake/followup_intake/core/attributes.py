"""Custom attributes against the schema their tenant has set."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from followup_directory import AttributeRule

UNFIT = "_unfit"
"""The attribute under which a lead keeps the texts of those that do not fit."""


@dataclass(frozen=True, slots=True)
class Schema:
    """What a tenant's attributes may be; `strict`: no others."""

    rules: Mapping[str, AttributeRule] = field(default_factory=dict)
    strict: bool = False


NO_SCHEMA = Schema()
"""Everything fits."""


@dataclass(frozen=True, slots=True)
class Unfit:
    """An attribute that does not fit: its name, and why in a few words."""

    name: str
    why: str


def fitted(schema: Schema, given: Mapping[str, str]) -> tuple[dict[str, Any], tuple[Unfit, ...]]:
    """The attributes of a lead as their schema has them, and what of them does not fit.

    A lead is not lost for an attribute, nor is its text: what does not fit stands under
    `_unfit`, so that under a name of the schema there is only what fits it. An empty text
    is none.
    """
    if not schema.rules and not schema.strict:
        return dict(given), ()
    said = {name: text for name, text in given.items() if text.strip()}
    read, unfit = _read_all(schema.rules, said, strict=schema.strict, whole=True)
    wrong = {each.name for each in unfit}
    fitting = {name: value for name, value in read.items() if name not in wrong}
    if kept := {name: said[name] for name in said if name in wrong}:
        fitting[UNFIT] = kept
    return fitting, tuple(unfit)


def checked(
    schema: Mapping[str, AttributeRule],
    given: Mapping[str, Any],
    *,
    strict: bool,
    whole: bool = True,
) -> dict[str, Any] | list[Unfit]:
    """The attributes as their schema has them, or all that does not fit.

    A text that says a number, a date or yes and no is read as one. What the schema does not
    name is kept as it is, or refused when `strict`; a required one may only be missing
    from a change (`whole` False).
    """
    read, unfit = _read_all(schema, given, strict=strict, whole=whole)
    return unfit or read


def _read_all(
    schema: Mapping[str, AttributeRule], given: Mapping[str, Any], *, strict: bool, whole: bool
) -> tuple[dict[str, Any], list[Unfit]]:
    read: dict[str, Any] = {}
    unfit: list[Unfit] = []
    for name, value in given.items():
        rule = schema.get(name)
        if rule is None:
            if strict:
                unfit.append(Unfit(name, "the schema names no such attribute"))
            read[name] = value
            continue
        found = _read(rule, value)
        if found is None:
            unfit.append(Unfit(name, _wanted(rule)))
        read[name] = found
    missing = (n for n, rule in schema.items() if rule.required and given.get(n) in (None, ""))
    unfit += [Unfit(name, "it is required") for name in missing if whole or name in given]
    return read, unfit


def _wanted(rule: AttributeRule) -> str:
    if rule.type == "choice":
        return f"it is none of {', '.join(rule.choices)}"
    return f"it is no {rule.type}"


def _read(rule: AttributeRule, value: Any) -> Any:  # noqa: PLR0911 - one line a type
    text = str(value).strip()
    match rule.type:
        case "text":
            return value if isinstance(value, str) else None
        case "number":
            return _number(value)
        case "integer":
            number = _number(value)
            return int(number) if number is not None and float(number).is_integer() else None
        case "boolean":
            return {"true": True, "yes": True, "false": False, "no": False}.get(text.lower())
        case "date":
            try:
                return date.fromisoformat(text).isoformat()
            except ValueError:
                return None
        case "choice":
            return next((c for c in rule.choices if c.casefold() == text.casefold()), None)


def _number(value: Any) -> int | float | None:
    if isinstance(value, bool):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number) >= Decimal("1e15"):
        return None
    return int(number) if number == number.to_integral_value() else float(number)
