"""What a touch says: the bodies of templates, and which one a touch uses."""

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from followup_contracts.call_script import VOICEMAIL_SECONDS, spoken_seconds
from followup_contracts.channels import TRAITS, Channel
from followup_contracts.channels import Part as ContentPart

Key = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
"""A name within a document: lower case, digits, `-` and `_`."""

_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]
_Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\r\n]*$"),
]


class Part(BaseModel):
    """A piece of a document: never changed, and no field that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


_PARTS: tuple[ContentPart, ...] = ("text", "subject", "html", "voicemail", "template")


class Body(Part):
    """The content of a touch, Liquid in every field.

    `subject` is an e-mail's. A call speaks `text` to a person and `voicemail` to a
    machine. `template` names what WhatsApp has approved, as `name/language`: it is sent
    where the person has not written within a day, with `text` as its one variable.
    """

    text: _Text
    subject: _Line | None = None
    html: Annotated[str, StringConstraints(max_length=100_000)] | None = None
    voicemail: _Text | None = None
    template: (
        Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,512}/[a-z]{2,3}(_[A-Z]{2})?$")]
        | None
    ) = None

    def misfits(self, channel: Channel) -> str | None:
        """Why this body cannot be used on `channel`, or None."""
        traits = TRAITS[channel]
        for part in traits.requires:
            if not getattr(self, part):
                return f"{traits.noun} needs a {part}"
        if traits.hours == "call" and (silent := self._without_voicemail()):
            return silent
        for part in _PARTS:
            if getattr(self, part) and part not in traits.parts:
                return f"{traits.noun} has no {part}"
        return None

    def _without_voicemail(self) -> str | None:
        """What R4 has against this body.

        Only a voicemail's own words are counted here; what its variables say, and which
        words its tags leave, is known when it is rendered, and measured then.
        """
        if not self.voicemail:
            return "no call without a voicemail script (R4)"
        own = re.sub(r"\{\{.*?\}\}", " ", self.voicemail, flags=re.DOTALL)
        if "{%" not in own and spoken_seconds(own) > VOICEMAIL_SECONDS:
            return f"the voicemail takes longer than {VOICEMAIL_SECONDS:.0f} seconds (R4)"
        return None


class Condition(Part):
    """What must be so when a touch is planned; all that is written must hold.

    `voicemail_left` names a step: its call left a voicemail. `reachable` and
    `unreachable` name a channel.
    """

    voicemail_left: Key | None = None
    reachable: Channel | None = None
    unreachable: Channel | None = None
    not_: "Condition | None" = Field(default=None, alias="not")

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    def steps(self) -> frozenset[str]:
        """The steps that it asks about."""
        own = frozenset({self.voicemail_left}) if self.voicemail_left else frozenset[str]()
        return own | (self.not_.steps() if self.not_ else frozenset())


class Choice(Part):
    """One of several templates: used when its condition is the first that holds."""

    use: Key
    when: Condition | None = None
