"""What templates can name, and what each name looks like in a message.

The names are those the dispatcher gives to templates; attributes of people and leads are a
product's own and free.
"""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Literal

Path = tuple[str, ...]

_SAMPLES: Mapping[str, str] = {
    "person.first_name": "Maximiliane",
    "person.last_name": "Featherstone",
    "person.full_name": "Maximiliane Featherstone",
    "person.language": "en",
    "person.city": "Saint Petersburg",
    "lead.need": "a complete bathroom renovation",
    "lead.source": "web_form",
    "lead.value": "12500",
    "lead.currency": "USD",
    "lead.received_at": "2030-01-04T10:00:00+00:00",
    "lead.attributes": "",
    "lead.appointment": "",
    "business.name": "Harbour & Sons Plumbing",
    "business.agent": "Christopher",
    "business.phone": "+1 212 555 0123",
    "business.address": "1 Harbour Street, Boston, MA 02108",
    "business.booking_link": "https://book.example.com/harbour-and-sons",
    "links.book": "https://book.example.com/harbour-and-sons",
    "links.unsubscribe": "https://followup.example.com/u/6Yk2",
    "links.confirm": "https://followup.example.com/c/6Yk2",
    "step": "day-4",
    "sequence": "d1",
}
"""Every fixed name, and a value of the longer sort, so that lengths are honest."""

_ALWAYS: frozenset[Path] = frozenset(
    {
        ("step",),
        ("sequence",),
        ("lead", "source"),
        ("lead", "received_at"),
        ("links", "unsubscribe"),
        ("links", "confirm"),
    }
)
_FREE = frozenset({("person",), ("lead", "attributes"), ("lead", "appointment")})
_ROOTS = frozenset(name.split(".")[0] for name in _SAMPLES)
_MOMENT = re.compile(
    r"(^|_)(at|on|until|date|by|day|deadline|expir(y|es|ation)|ends?|starts?|due|birthday"
    r"|anniversary)$"
)
_NEAR = 0.8


def is_moment(path: Path) -> bool:
    """Whether a name says that it holds a date or a moment."""
    return _MOMENT.search(path[-1]) is not None and len(path) > 1


def kind_of(path: Path) -> Literal["person", "lead", "business", "other"]:
    """What a value is about."""
    match path[0]:
        case "person":
            return "person"
        case "lead":
            return "lead"
        case "business" | "links":
            return "business"
    return "other"


def sample(path: Path) -> str:
    """A value that could stand there."""
    return _SAMPLES.get(".".join(path), "something fine")


def always_known(names: Iterable[Path]) -> frozenset[Path]:
    """Those that no touch lacks."""
    return frozenset(names) & _ALWAYS


def unknown(path: Path) -> str | None:
    """What is wrong with a name, or None. "" : no such name, and nothing like it."""
    name = ".".join(path)
    if name in _SAMPLES or name in _ROOTS:
        return None
    if path[0] not in _ROOTS:
        return _close(name)
    if any(path[: len(free)] == free and len(path) > len(free) for free in _FREE):
        known = [other for other in _SAMPLES if other.startswith("person.")]
        near = get_close_matches(name, known, n=1, cutoff=_NEAR)
        return near[0] if near and path[0] == "person" else None
    return _close(name)


def _close(name: str) -> str:
    near = get_close_matches(name, list(_SAMPLES), n=1)
    return near[0] if near else ""
