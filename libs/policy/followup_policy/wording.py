"""Liquid as tenants may use it: known filters and tags, strict variables, limits.

Work is bounded in four ways, for a template is a tenant's program on everybody's
machine: the library's own limits on output, loops and local variables; a cap on every
string, list and range that a filter takes or makes, asked before the filters that multiply;
what all filters together may do (`bounded_work`); and a cap on the template itself.
"""

import functools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from liquid import BoundTemplate, Environment, FalsyStrictUndefined, Token
from liquid.undefined import UNDEFINED, Undefined

from followup_policy.errors import MissingVariable, TooMuchWork
from followup_policy.ranges import bound_ranges

LOOPS = 100
STRING_LIMIT = 200_000
"""Characters of any string on its way through a filter."""

ITEMS = 10_000
"""Items of any list on its way through a filter."""

WORK = 1_000_000
"""What the filters of one part may do; about a tenth of a second."""
_CALL, _ITEM = 50, 10

_MANY = (list, tuple, range, dict)

_left: ContextVar[list[int] | None] = ContextVar("followup_wording_left", default=None)

_NUMBER_BITS = 128
_MARKUP = re.compile(r"\{[{%#]")
_FORMAT = re.compile(r"(?:[^%]|%-?[aAbBcdDeFHIjklmMnpRSTuUwyYzZ%]){1,100}")
_LEFT_OUT_TAGS = ("include", "render", "tablerow", "increment", "decrement")
_LEFT_OUT_FILTERS = ("safe", "base64_decode", "base64_url_safe_decode")

Filter = Callable[..., Any]


class Missing(FalsyStrictUndefined):
    """A variable without a value: false in a condition, equal to `nil`; else an exception.

    It satisfies the `default` filter. It is not equal to `blank` (the library decides that
    before it asks): a template that goes on to use it there stops, as anywhere.
    """

    __slots__ = ()
    force_liquid_default = True

    def __init__(
        self,
        name: str,
        *,
        token: Token | None = None,
        obj: object = UNDEFINED,
        hint: str | None = None,
    ) -> None:
        super().__init__(name, token=token, obj=obj, hint=hint)

    def __getattribute__(self, name: str) -> object:
        if name in _ASKABLE:
            return object.__getattribute__(self, name)
        raise MissingVariable(missing_name(self))

    def __eq__(self, other: object) -> bool:
        return other is None or other is False or isinstance(other, Undefined)

    def __hash__(self) -> int:
        return hash("Missing")

    def __str__(self) -> str:
        raise MissingVariable(missing_name(self))

    __len__ = __iter__ = __int__ = __reversed__ = __str__  # type: ignore[assignment]  # all raise

    def __getitem__(self, key: object) -> object:
        raise MissingVariable(missing_name(self))

    def __contains__(self, item: object) -> bool:
        return False


_ASKABLE = FalsyStrictUndefined.allowed_properties | {"__hash__", "__contains__", "__slots__"}


def missing_name(missing: Undefined) -> str:
    """The variable as the template spells it, such as `person.first_name`."""
    hint = object.__getattribute__(missing, "msg")
    return str(hint).removesuffix(" is undefined").strip("'")[:100]


def literal(words: str) -> str:
    """A template that says these words and nothing else, whatever they look like."""
    return _MARKUP.sub(lambda found: f"{{{{ '{found[0]}' }}}}", words)


class TextEnvironment(Environment):
    """For texts, scripts and subjects."""

    loop_iteration_limit: ClassVar[int | None] = LOOPS
    local_namespace_limit: ClassVar[int | None] = STRING_LIMIT
    output_stream_limit: ClassVar[int | None] = 10_000
    block_nesting_limit: ClassVar[int] = 12

    def __init__(self, *, autoescape: bool = False) -> None:
        super().__init__(undefined=Missing, autoescape=autoescape)

    def from_string(
        self,
        source: str,
        name: str = "",
        path: str | Path | None = None,
        globals: Mapping[str, object] | None = None,  # noqa: A002 - the library's name
        matter: Mapping[str, object] | None = None,
    ) -> BoundTemplate:
        """A template of this source, its ranges bounded."""
        return bound_ranges(super().from_string(source, name, path, globals, matter))

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        """What Liquid has, less what reaches files, multiplies work or lifts escaping."""
        super().setup_tags_and_filters(extra=extra)
        for tag in _LEFT_OUT_TAGS:
            self.tags.pop(tag, None)
        for name in _LEFT_OUT_FILTERS:
            self.filters.pop(name, None)
        self.add_filter("date", format_date)
        for name, plain in list(self.filters.items()):
            self.filters[name] = bounded(plain, _MULTIPLIES.get(name))


class MailEnvironment(TextEnvironment):
    """For the text of an e-mail; its HTML is the same with `autoescape`."""

    output_stream_limit: ClassVar[int | None] = 200_000


def bounded(plain: Filter, size: Callable[..., int] | None) -> Filter:
    """A filter whose input, output and, where it multiplies, expected size are capped."""

    @functools.wraps(plain)  # keeps the marks by which the library passes its context
    def filtered(value: object, *args: Any, **named: Any) -> object:
        for given in (value, *args):
            _check(given)
        _spend(value)
        if size is not None and size(value, *args) > STRING_LIMIT:
            raise TooMuchWork("a filter's result is too long")
        made = plain(value, *args, **named)
        _check(made)
        return made

    return filtered


@contextmanager
def bounded_work(limit: int = WORK) -> Iterator[None]:
    """Within it filters together do no more than so much: else `TooMuchWork`.

    A filter costs what it costs to call one, and each character or item that it is given.
    That is a limit of time that holds on every machine alike, and needs no clock.
    """
    token = _left.set([limit])
    try:
        yield
    finally:
        _left.reset(token)


def _spend(value: object) -> None:
    left = _left.get()
    if left is None:
        return
    kind = type(value)  # not isinstance: a missing variable answers no question
    left[0] -= _CALL
    if issubclass(kind, str):
        left[0] -= len(value)  # type: ignore[arg-type]  # a str
    elif issubclass(kind, _MANY):
        left[0] -= _ITEM * len(value)  # type: ignore[arg-type]  # one of those
    if left[0] < 0:
        raise TooMuchWork("filters have too much to do")


def format_date(value: object, form: object = "%Y-%m-%d", zone: object = None) -> str:
    """An ISO 8601 moment or day in a `strftime` form.

    In the offset it is written with, or in the IANA zone named. There is no `now`: what a
    touch says depends on what it is about, not on when it is rendered.
    """
    moment = moment_of(value)
    if zone is not None and isinstance(moment, datetime):
        moment = moment.astimezone(ZoneInfo(str(zone)))
    if not _FORMAT.fullmatch(str(form)):
        raise ValueError("not a form of a date")
    return moment.strftime(str(form))


def moment_of(value: object) -> datetime | date:
    """The moment or day that a value writes by ISO 8601; else `ValueError`, or it is missing."""
    if isinstance(value, Missing):
        raise MissingVariable(missing_name(value))
    if isinstance(value, datetime | date):
        return value
    written = str(value)
    kind = date if len(written) == len("2026-01-01") else datetime
    return kind.fromisoformat(written)


def _check(value: object) -> None:
    # Not isinstance: a missing variable answers no question about itself.
    kind = type(value)
    if issubclass(kind, str) and len(value) > STRING_LIMIT:  # type: ignore[arg-type]  # a str
        raise TooMuchWork("a text is too long")
    if issubclass(kind, _MANY) and len(value) > ITEMS:  # type: ignore[arg-type]  # one of those
        raise TooMuchWork("a list is too long")
    if kind is int and value.bit_length() > _NUMBER_BITS:  # type: ignore[attr-defined]  # an int
        raise TooMuchWork("a number is too large")


def _replaced(value: object, old: object = "", new: object = "") -> int:
    text = str(value)
    return len(text) + text.count(str(old)) * len(str(new))


def _joined(value: object, separator: object = " ") -> int:
    if not isinstance(value, Sequence | Mapping):
        return 0
    items = sum(len(item) if isinstance(item, str) else 32 for item in value)
    return items + len(value) * len(str(separator))


def _compared(value: object, *_key: object) -> int:
    """Each item is compared with those before it: a fifth of a character's cost each time."""
    return len(value) ** 2 // 5 if isinstance(value, _MANY) else 0


_MULTIPLIES: dict[str, Callable[..., int]] = {
    "replace": _replaced,
    "join": _joined,
    "uniq": _compared,
}
