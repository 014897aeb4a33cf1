"""Custom attributes against the schema their tenant has set."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from followup_directory import AttributeRule


@dataclass(frozen=True, slots=True)
class Unfit:
    """An attribute that does not fit: its name, and why in a few words."""

    name: str
    why: str


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
    return unfit or read


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
