"""Liquid that renders: its syntax, its names, and what it does where a name has no value."""

from collections.abc import Iterator

from followup_scheduler.lint.findings import Flaw
from followup_scheduler.lint.rule import Rule
from followup_scheduler.lint.script import Script
from followup_scheduler.lint.vocabulary import Path, is_moment, kind_of, unknown


def _syntax(script: Script) -> Iterator[Flaw]:
    for speech in script.speeches():
        if speech.readings.fault is not None:
            yield Flaw(
                speech.path,
                f"is no Liquid: {speech.readings.fault}",
                "see https://shopify.github.io/liquid/ for what can be written",
            )


def _unknown(script: Script) -> Iterator[Flaw]:
    for speech in script.speeches():
        for path in sorted(speech.readings.variables):
            meant = unknown(path)
            if meant is not None:
                name = ".".join(path)
                yield Flaw(
                    speech.path,
                    f"there is no {name!r}",
                    f"did you mean {meant}?"
                    if meant
                    else "fields of your own are lead.attributes.…",
                    near=name,
                )


def _without_default(script: Script) -> Iterator[Flaw]:
    yield from _stopping(script, business=False)


def _business(script: Script) -> Iterator[Flaw]:
    yield from _stopping(script, business=True)


def _stopping(script: Script, *, business: bool) -> Iterator[Flaw]:
    for speech in script.speeches():
        for path in sorted(speech.readings.needs):
            if (kind_of(path) == "business") is not business or _must_stop(path):
                continue
            name = ".".join(path)
            yield Flaw(
                speech.path,
                f"whoever has no {name!r} gets no message at all",
                f'write {{{{ {name} | default: "…" }}}}, or an {{% if {name} %}} around it',
                near=name,
            )


def _must_stop(path: Path) -> bool:
    """A date has no default: without it the message is not true. An unknown name is told so."""
    return is_moment(path) or unknown(path) is not None


RULES = (
    Rule(
        id="V1-not-liquid",
        severity="error",
        asks="Every text is Liquid that can be rendered.",
        because="A template that cannot be rendered stops its touch.",
        check=_syntax,
        acceptable=False,
    ),
    Rule(
        id="V2-unknown-variable",
        severity="error",
        asks="Every name is one that a touch knows.",
        because="A name that never has a value stops the touch, or always says its default.",
        check=_unknown,
        acceptable=False,
    ),
    Rule(
        id="V3-no-default",
        severity="error",
        asks="What may be unknown of a person or lead has a default; dates do not need one.",
        because="A missing value without a default stops the touch.",
        check=_without_default,
    ),
    Rule(
        id="V4-business-default",
        severity="warning",
        asks="What the business's settings may leave out has a default.",
        because="A document may be copied to a tenant who has not set everything.",
        check=_business,
    ),
)
