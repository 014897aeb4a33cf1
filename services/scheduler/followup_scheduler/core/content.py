"""What a touch says: the bodies of templates."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from followup_contracts.channels import TRAITS, Channel
from followup_contracts.channels import Part as ContentPart
from followup_scheduler.core.format.part import Part

_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]
_Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\r\n]*$"),
]


_PARTS: tuple[ContentPart, ...] = ("text", "subject", "html", "voicemail", "template")

_EDITION = "~"  # stands in no key


def text_of(name: str) -> str:
    """The key of the text that goes out under this name."""
    return name.partition(_EDITION)[0]


class Body(Part):
    """The content of a touch, Liquid in every field.

    `subject` is an e-mail's; `subjects` are several that are compared (A/B/n, M9): shared out
    evenly, or with `choose: thompson` the better ones more often. A call
    speaks `text` to a person and `voicemail` to a machine. `template` names what WhatsApp
    has approved, as `name/language`: it is sent where the person has not written within a
    day, with `text` as its one variable.
    """

    text: _Text
    subject: _Line | None = None
    subjects: Annotated[tuple[_Line, ...], Field(min_length=2, max_length=10)] | None = None
    choose: Literal["weights", "thompson"] | None = None
    html: Annotated[str, StringConstraints(max_length=100_000)] | None = None
    voicemail: _Text | None = None
    template: (
        Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]{1,512}/[a-z]{2,3}(_[A-Z]{2})?$")]
        | None
    ) = None

    def misfits(self, channel: Channel) -> str | None:
        """Why this body cannot be used on `channel`, or None."""
        if self.subject and self.subjects:
            return "write either subject or subjects"
        if self.choose is not None and self.subjects is None:
            return "has no subjects to choose from"
        traits = TRAITS[channel]
        for part in traits.requires:
            if not self._has(part):
                return f"{traits.noun} needs a {part}"
        for part in _PARTS:
            if self._has(part) and part not in traits.parts:
                return f"{traits.noun} has no {part}"
        return None

    def editions(self, key: str) -> "Mapping[str, Body]":
        """The body as it goes out, by the name it is kept under: one for each subject."""
        if self.subjects is None:
            return {key: self}
        return {
            f"{key}{_EDITION}{number}": self.model_copy(
                update={"subject": subject, "subjects": None, "choose": None}
            )
            for number, subject in enumerate(self.subjects, start=1)
        }

    def _has(self, part: ContentPart) -> bool:
        return bool(getattr(self, part) or (part == "subject" and self.subjects))
