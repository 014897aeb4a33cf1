"""What a drafter is given and what it gives back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from followup_contracts.payload import Channel


@dataclass(frozen=True, slots=True)
class Brief:
    """What a text is to be about.

    `plain` is the body the document has for it, Liquid; the draft takes its place.
    `known` is what may be said to the person: no addresses, no ids.
    """

    channel: Channel
    sequence: str
    step: str
    plain: Mapping[str, Any]
    known: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Draft:
    """A text as it would go out: `text`, perhaps `subject` and `voicemail`, without Liquid."""

    body: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NoDraft:
    """There is none, and why; `again`: another try may have one."""

    reason: str
    again: bool


class Drafter(Protocol):
    """Writes drafts. It never raises for what a model or a network does."""

    async def draft(self, brief: Brief) -> Draft | NoDraft:
        """A draft for this brief."""
        ...


class TemplateDrafter:
    """Where there is no model: the template is the draft."""

    async def draft(self, brief: Brief) -> Draft | NoDraft:
        """None: what the document says is what is there already."""
        del brief
        return NoDraft("no model is configured", again=False)
