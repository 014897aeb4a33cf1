"""What a template comes to: its words when everything is known of a lead, and when nothing is.

Templates are rendered with the very Liquid they are sent with. Values are wrapped in
private marks that say what they stand for, so that rules can ask whether a sentence names
the person or a date, whatever the template does on the way.
"""

import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from liquid.exceptions import LiquidError

from followup_policy.errors import MissingVariable, WordingError
from followup_policy.markup import seen
from followup_policy.wording import MailEnvironment, format_date
from followup_scheduler.lint.vocabulary import always_known, is_moment, kind_of, sample

Kind = Literal["person", "lead", "moment", "business", "other"]

_OPENS: Mapping[Kind, str] = {
    "person": "\ue010",
    "lead": "\ue011",
    "moment": "\ue012",
    "business": "\ue013",
    "other": "\ue014",
}
_CLOSES = "\ue01f"
# None of these looks through the rest of a text once for each place where it may begin: a
# document is anybody's, and a match holds up every thread.
_VALUE = re.compile("[\ue010-\ue014][^\ue010-\ue01f]*\ue01f")
_MARKS = re.compile("[\ue010-\ue01f]")
_SAMPLE_DAY = "2030-01-04T10:00:00+00:00"
_MOST_VARIABLES = 60
_DATED = re.compile(r"\{\{-?\s*([\w.\-]+)\s*\|(?:(?!\}\}|\{\{).)*\bdate\b")
_FAULTS = (LiquidError, WordingError, ArithmeticError, LookupError, TypeError, ValueError)

Path = tuple[str, ...]


class _LintEnvironment(MailEnvironment):
    """The Liquid of e-mail, which keeps the marks of dates."""

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        super().setup_tags_and_filters(extra=extra)
        self.add_filter("date", _marked_date)


def _marked_date(value: object, form: object = "%Y-%m-%d", zone: object = None) -> str:
    # A missing variable answers no question about itself: the real filter says that it is one.
    plain = _MARKS.sub("", value) if type(value) is str else value
    try:
        said = format_date(plain, form, zone)
    except ValueError:
        said = format_date(_SAMPLE_DAY, "%Y-%m-%d")
    return f"{_OPENS['moment']}{said}{_CLOSES}"


@dataclass(frozen=True, slots=True)
class Reading:
    """The words of one way to render a template, with marks."""

    marked: str

    @property
    def words(self) -> str:
        """As they are read."""
        return plain(self.marked)

    @property
    def own(self) -> str:
        """The template's own words, without the values put into it."""
        return _VALUE.sub(" ", self.marked)

    @property
    def seen(self) -> "Reading":
        """Without markup, as an HTML part is seen."""
        return Reading(seen(self.marked))


@dataclass(frozen=True, slots=True)
class Readings:
    """All that is known of a template without sending it.

    `full` is with everything known, `bare` with nothing but what a template cannot do
    without. `variables` are the names it uses from outside, `needs` those it stops
    without; `fault` is why it is no Liquid at all, and then there are no words.
    """

    full: Reading
    bare: Reading
    variables: frozenset[Path]
    needs: frozenset[Path]
    fault: str | None = None

    def both(self) -> Iterator[Reading]:
        """Each reading once."""
        yield self.full
        if self.bare != self.full:
            yield self.bare


@lru_cache(maxsize=2_048)
def readings(source: str) -> Readings:
    """Read a template's source; never raises for what is written in it."""
    try:
        template = _environment().from_string(source)
        names = frozenset(_names(template.analyze()))
        moments = frozenset(map(_path, _DATED.findall(source)))
        full = template.render(_values(names, moments))
    except _FAULTS as error:
        nothing = Reading("")
        return Readings(nothing, nothing, frozenset(), frozenset(), _why(error))
    needs: set[Path] = set()
    for unknown in (names, *({name} for name in sorted(names)[:_MOST_VARIABLES])):
        needs |= _needs(template, names, unknown, moments)
    try:
        bare = template.render(_values(needs | always_known(names), moments))
    except _FAULTS as error:  # in a part that is only said where something is not known
        return Readings(Reading(full), Reading(full), names, frozenset(needs), _why(error))
    return Readings(Reading(full), Reading(bare), names, frozenset(needs))


def plain(marked: str) -> str:
    """Text without marks."""
    return _MARKS.sub("", marked)


def names_any(marked: str, *kinds: Kind) -> bool:
    """Whether a value of one of these kinds stands in the text."""
    return any(_OPENS[kind] in marked for kind in kinds)


@lru_cache(maxsize=1)
def _environment() -> MailEnvironment:
    return _LintEnvironment()


def _needs(
    template: Any, names: frozenset[Path], unknown: AbstractSet[Path], moments: Any
) -> set[Path]:
    """Which of the unknown names the template stops without."""
    needs: set[Path] = set()
    kept = (names - unknown) | always_known(names)
    for _ in range(_MOST_VARIABLES):
        try:
            template.render(_values(kept | needs, moments))
        except MissingVariable as missing:
            named = _path(str(missing))
            found = {name for name in names if name == named or name[: len(named)] == named}
            if not found - needs - kept:
                return needs
            needs |= found
        except _FAULTS:
            return needs
        else:
            return needs
    return needs


def _values(known: Any, moments: frozenset[Path]) -> dict[str, Any]:
    values: dict[str, Any] = {name: {} for name in ("person", "lead", "business", "links")}
    values["lead"]["attributes"] = {}
    for path in sorted(known, key=len, reverse=True):
        inner = values
        for part in path[:-1]:
            held = inner.setdefault(part, {})
            if not isinstance(held, dict):
                break
            inner = held
        else:
            inner.setdefault(path[-1], _marked(path, moments))
    return values


def _marked(path: Path, moments: frozenset[Path]) -> str:
    if path in moments or is_moment(path):
        return f"{_OPENS['moment']}{_SAMPLE_DAY}{_CLOSES}"
    return f"{_OPENS[kind_of(path)]}{sample(path)}{_CLOSES}"


def _names(analysis: Any) -> Iterator[Path]:
    for variables in analysis.globals.values():
        for variable in variables:
            segments = variable.segments
            parts = tuple(part for part in segments if isinstance(part, str))
            yield parts if len(parts) == len(segments) else parts[:1]


def _path(name: str) -> Path:
    return tuple(part for part in re.split(r"[.\[\]\"']+", name) if part)


def _why(error: Exception) -> str:
    message = str(error).splitlines()[0] if str(error) else type(error).__name__
    place = error.context() if isinstance(error, LiquidError) else None
    return message if place is None else f"{message} (its line {place[0]})"
