"""What of a lead's attributes a document looks at: in conditions, and to count from."""

from collections.abc import Iterator, Mapping
from typing import Any

from followup_scheduler.core.format.at import At
from followup_scheduler.core.format.condition import Condition, FactTest
from followup_scheduler.core.format.part import Part

SOURCE = "source"


def names_in(part: Part) -> frozenset[str]:
    """The outermost names of what is looked at anywhere in a part: `deal` for `deal.stage`."""
    return frozenset(name.partition(".")[0] for each in _parts(part) for name in _names(each))


def _names(part: Part) -> Iterator[str]:
    match part:
        case At():
            yield part.from_
        case FactTest():
            yield part.name
        case Condition() if part.source is not None:
            yield SOURCE


def _parts(value: Any) -> Iterator[Part]:
    """A part and all parts within it."""
    if isinstance(value, Part):
        yield value
        for name in type(value).model_fields:
            yield from _parts(getattr(value, name))
    elif isinstance(value, tuple | list):
        for each in value:
            yield from _parts(each)
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _parts(each)
