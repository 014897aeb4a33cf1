"""What a template says by itself, and which moments the values put into it stand for.

A template is rendered once more, exactly as it goes out, with every value marked. Then the
values are taken away, but for the moments they stand for: what a lead typed is neither a
template's urgency nor anything to be quoted.
"""

import functools
import re
from datetime import date, datetime
from functools import lru_cache
from io import StringIO
from typing import Any, ClassVar, Self, TextIO
from zoneinfo import ZoneInfo

from liquid import BoundTemplate, RenderContext
from liquid.builtin.output import Output, OutputNode
from liquid.builtin.tags.capture_tag import CaptureNode, CaptureTag
from liquid.builtin.tags.cycle_tag import CycleNode, CycleTag
from liquid.builtin.tags.echo_tag import EchoNode, EchoTag
from liquid.stringify import to_liquid_string

from followup_policy.wording import Filter, MailEnvironment, bounded, format_date, moment_of

# The moment that a value stands for, if it does, and what it reads; none of these is ever typed.
_MOMENT, _SAYS, _OPENS, _CLOSES = "\U00100000", "\U00100001", "\U00100002", "\U00100003"
_MARKS = f"{_MOMENT}-{_CLOSES}"
_MARK = re.compile(f"[{_MARKS}]")
_MOMENTS = re.compile(f"{_MOMENT}([^{_MARKS}]*){_SAYS}")
_VALUE = re.compile(f"{_OPENS}[^{_MARKS}]*{_CLOSES}")
_IN_PLACE = "_"
"""What stands for a value: a word, so that words around it do not come to stand together."""

WRITTEN = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?")
"""A moment or a day as data has it."""

_LINK = re.compile(r"https?://\S*")
_UNCLEAR = "?"
_YEARS = range(1900, 2200)
_HOUR = re.compile(r"%-?[cHIklMpRsT]")
_DAY = re.compile(r"%-?[aAcdDeFjsuUwHIklMpRT]")


def own_words(source: str, variables: dict[str, Any], *, markup: bool) -> str:
    """What a template says by itself, with a mark for each moment from data.

    Raises what rendering may raise.
    """
    return _VALUE.sub(_IN_PLACE, _template(source, markup=markup).render(variables))


def unmarked(words: str) -> str:
    """Those words without the marks."""
    return _MARK.sub("", _MOMENTS.sub("", words))


def moments_in(words: str) -> list[date | datetime | None]:
    """The days and moments that these words name; None for one that cannot be told.

    One in the address of a page is part of the address.
    """
    return [
        None if written == _UNCLEAR else moment_of(written)
        for written in _MOMENTS.findall(_LINK.sub(" ", words))
    ]


class _Told(str):
    """What a value reads, which is compared as such, and how it is told with marks."""

    __slots__ = ("marked",)
    marked: str

    def __new__(cls, says: str, marked: str) -> Self:
        told = super().__new__(cls, says)
        told.marked = marked
        return told


class _Marking(MailEnvironment):
    """The Liquid of messages, with marks around each value. Marks need room of their own."""

    output_stream_limit: ClassVar[int | None] = 2_000_000
    local_namespace_limit: ClassVar[int | None] = 2_000_000

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        """Those of messages; what a filter makes of a date stands for its moment still."""
        super().setup_tags_and_filters(extra=extra)
        for name, plain in list(self.filters.items()):
            self.filters[name] = _carrying(plain)
        self.add_filter("date", bounded(_dated, None))
        for tag in (_MarkedOutput, _MarkedEcho, _MarkedCapture, _MarkedCycle):
            self.add_tag(tag)


def _dated(value: object, form: object = "%Y-%m-%d", zone: object = None) -> str:
    says = format_date(value, form, zone)
    return _Told(says, _moment(_meant(moment_of(value), str(form), zone)) + _value(says))


def _meant(moment: date | datetime, form: str, zone: object) -> date | datetime | None:
    """What a reader takes a date in this form for; None where the form does not name a day.

    A midnight shown without its hour is that day: data often has days so.
    """
    form = form.replace("%%", "")
    if not _DAY.search(form):
        return None
    if not isinstance(moment, datetime) or _HOUR.search(form):
        return moment
    shown = moment if zone is None else moment.astimezone(ZoneInfo(str(zone)))
    if any(not (at.hour or at.minute or at.second) for at in (moment, shown)):
        return max(moment.date(), shown.date())
    return moment


def _moment(moment: date | datetime | None) -> str:
    known = moment is not None and moment.year in _YEARS
    return f"{_MOMENT}{moment.isoformat() if known and moment else _UNCLEAR}{_SAYS}"


def _value(says: str) -> str:
    return f"{_OPENS}{_MARK.sub('', says)}{_CLOSES}" if says.strip() else says


def _as_data_has_it(says: str) -> str:
    if not WRITTEN.fullmatch(says):
        return ""
    try:
        return _moment(moment_of(says))
    except ValueError:
        return ""  # looks like one, as many a number does


def _carrying(plain: Filter) -> Filter:
    """A filter whose result stands for the moments of what it was made of."""

    @functools.wraps(plain)  # keeps the marks by which the library passes its context
    def filtered(value: object, *args: Any, **named: Any) -> object:
        made = plain(value, *args, **named)
        if made is value or isinstance(made, _Told) or not isinstance(made, str):
            return made
        moments = "".join(
            mark.group()
            for given in (value, *args)
            if type(given) is _Told  # a missing variable answers no question
            for mark in _MOMENTS.finditer(given.marked)
        )
        return _Told(made, moments + _value(made)) if moments else made

    return filtered


class _MarkedOutputNode(OutputNode):
    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        found = self.expression.evaluate(context)
        if type(found) is _Told:
            return buffer.write(found.marked)
        says = to_liquid_string(found, context.autoescape)
        return buffer.write(_as_data_has_it(says) + _value(says))


class _MarkedEchoNode(_MarkedOutputNode, EchoNode):
    pass


class _MarkedCaptureNode(CaptureNode):
    """What is captured is the template's own, as long as no filter changes it."""

    def _assign(self, context: RenderContext, buf: StringIO) -> None:
        marked = buf.getvalue()
        context.assign(self.name, _Told(unmarked(marked), marked))


class _MarkedCycleNode(CycleNode):
    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        says = StringIO()
        super().render_to_output(context, says)
        return buffer.write(_value(says.getvalue()))


class _MarkedOutput(Output):
    node_class = _MarkedOutputNode


class _MarkedEcho(EchoTag):
    node_class = _MarkedEchoNode


class _MarkedCapture(CaptureTag):
    node_class = _MarkedCaptureNode


class _MarkedCycle(CycleTag):
    node_class = _MarkedCycleNode


@lru_cache(maxsize=2)
def _environment(*, markup: bool) -> MailEnvironment:
    return _Marking(autoescape=markup)


@lru_cache(maxsize=500)
def _template(source: str, *, markup: bool) -> BoundTemplate:
    return _environment(markup=markup).from_string(_MARK.sub("", source))
