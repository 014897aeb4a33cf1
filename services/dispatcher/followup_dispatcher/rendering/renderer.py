"""Template bodies to content, or to the reason why not."""

import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from liquid import BoundTemplate
from liquid.exceptions import (
    LiquidError,
    LiquidSyntaxError,
    ResourceLimitError,
)

from followup_contracts.call_script import VOICEMAIL_SECONDS, spoken_seconds
from followup_contracts.channels import TRAITS, Channel
from followup_dispatcher.providers.port import Content
from followup_dispatcher.rendering.direct import Direct, direct
from followup_dispatcher.rendering.errors import Unrenderable
from followup_policy.errors import MissingVariable, TooMuchWork, WordingError
from followup_policy.wording import MailEnvironment, TextEnvironment, bounded_work

_EMPTY_LINES = re.compile(r"\n[ \t]*\n(?:[ \t]*\n)+")
SOURCE_LIMIT = 20_000
HTML_SOURCE_LIMIT = 200_000
KEPT = 4_000

FAULTS = (WordingError, LiquidError, ArithmeticError, LookupError, TypeError, ValueError)
"""What a template, or a value it was not written for, can raise: a filter on the wrong
kind of value raises any of these."""


@dataclass(frozen=True, slots=True)
class _Parsed:
    template: BoundTemplate
    direct: Direct | None


class Renderer:
    """Renders template bodies. Parsed templates are kept by hash: bodies never change."""

    def __init__(self, *, kept: int = KEPT) -> None:
        self._short = TextEnvironment()
        self._mail = MailEnvironment()
        self._html = MailEnvironment(autoescape=True)
        self._kept = kept
        self._parsed: OrderedDict[tuple[str, str, Channel], _Parsed] = OrderedDict()

    def render(
        self,
        body: Mapping[str, Any],
        variables: Mapping[str, Any],
        *,
        channel: Channel,
        hash: str,  # noqa: A002 the name it has everywhere
    ) -> Content | Unrenderable:
        """A body's parts for the channel; never raises for what a template or a value is."""
        made: dict[str, str] = {}
        traits = TRAITS[channel]
        for part in traits.parts:
            source = body.get(part)
            if source is None and part not in traits.requires:
                continue
            if not isinstance(source, str) or len(source) > _source_limit(part):
                return Unrenderable("template_shape", f"{part}: missing, no text, or too long")
            words = self._words(part, source, variables, channel=channel, hashed=hash)
            if isinstance(words, Unrenderable):
                return words
            if not words and part in traits.requires:
                return Unrenderable("empty", f"{part} is empty")
            if part == "voicemail" and spoken_seconds(words) > VOICEMAIL_SECONDS:
                limit = f"{VOICEMAIL_SECONDS:.0f} seconds"
                return Unrenderable("voicemail_length", f"it takes longer than {limit} (R4)")
            made[part] = words
        return Content(
            text=made["text"],
            subject=made.get("subject"),
            html=made.get("html") or None,
            voicemail=made.get("voicemail") or None,
            template=made.get("template") or None,
        )

    def _words(
        self,
        part: str,
        source: str,
        variables: Mapping[str, Any],
        *,
        channel: Channel,
        hashed: str,
    ) -> str | Unrenderable:
        try:
            parsed = self._template(part, source, channel, hashed)
            words = parsed.direct.render(variables) if parsed.direct else None
            if words is None:
                with bounded_work():
                    words = parsed.template.render(variables)
            return _tidy(part, words)
        except FAULTS as error:
            return _why(part, error)

    def _template(self, part: str, source: str, channel: Channel, hashed: str) -> _Parsed:
        key = (hashed, part, channel)
        known = self._parsed.get(key)
        if known is None:
            template = self._environment(part, channel).from_string(source)
            known = self._parsed[key] = _Parsed(template, direct(template))
            if len(self._parsed) > self._kept:
                self._parsed.popitem(last=False)
        else:
            self._parsed.move_to_end(key)
        return known

    def _environment(self, part: str, channel: Channel) -> TextEnvironment:
        if part == "html":
            return self._html
        return self._mail if channel == "email" and part == "text" else self._short


def _source_limit(part: str) -> int:
    return HTML_SOURCE_LIMIT if part == "html" else SOURCE_LIMIT


def _tidy(part: str, words: str) -> str:
    """No blanks around; a subject is one line; a text has no more than one empty line."""
    if part == "subject":
        return " ".join(words.split())
    if part == "html":
        return words.strip()
    return _EMPTY_LINES.sub("\n\n", words).strip()


def _why(part: str, error: Exception) -> Unrenderable:
    """The fault in our own words: the text of an error may quote somebody's data."""
    match error:
        case MissingVariable():
            return Unrenderable("missing_variable", str(error))
        case TooMuchWork():
            return Unrenderable("template_limit", f"{part}: {error}")
        case ResourceLimitError():
            return Unrenderable("template_limit", f"{part}: {type(error).__name__}")
        case LiquidSyntaxError():
            return Unrenderable("template_syntax", f"{part}: {_place(error)}")
        case _:
            return Unrenderable("template_error", f"{part}: {type(error).__name__}")


def _place(error: LiquidError) -> str:
    position = error.context()
    return "not Liquid" if position is None else f"line {position[0]}: not Liquid"
