"""Our own ids, in what vendors hand back: a callback's query, a letter's custom fields."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from followup_replies.states import TouchIds

NAMES = ("touch", "attempt", "enrollment", "lead", "person")
"""What the ids are called in a callback's address, and in custom fields."""
_LONGEST = 45
"""Characters of a UUID in its longest spelling."""


def carried(query: Mapping[str, str]) -> dict[str, str]:
    """The parameters of a callback's address that are ours."""
    return {name: query[name] for name in NAMES if name in query}


def ids_of(planted: Mapping[str, Any]) -> TouchIds | None:
    """The ids that we planted; None unless all are there."""
    found = [attempt_of(planted.get(name)) for name in NAMES]
    touch, attempt, enrollment, lead, person = found
    if touch is None or attempt is None or enrollment is None or lead is None or person is None:
        return None
    return TouchIds(touch, attempt, enrollment, lead, person)


def attempt_of(value: Any) -> UUID | None:
    """The id in a field that has room for one; None where it is none of ours."""
    if not isinstance(value, str) or len(value) > _LONGEST:
        return None
    try:
        return UUID(value)
    except ValueError:
        return None
