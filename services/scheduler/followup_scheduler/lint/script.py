"""A document as rules see it: its messages in order, what follows what, and when."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from followup_contracts.channels import TRAITS, Channel
from followup_scheduler.core.content import Body
from followup_scheduler.core.document import Sequence
from followup_scheduler.core.format.text import Rotation
from followup_scheduler.core.format.touch import Touch
from followup_scheduler.core.source import pointer
from followup_scheduler.core.steps import TouchStep
from followup_scheduler.lint.course import Course
from followup_scheduler.lint.readings import Reading, Readings, readings

Part = Literal["subject", "text", "html", "voicemail"]
_SAID: tuple[Part, ...] = ("text", "html", "voicemail")
"""The parts in which a message says what it has to say."""


@dataclass(frozen=True, slots=True)
class Speech:
    """One Liquid source of a template, where it stands, and what it comes to."""

    part: Part
    path: str
    source: str

    @property
    def readings(self) -> Readings:
        """Its words."""
        return readings(self.source)

    @property
    def seen(self) -> Reading:
        """With everything known, as it is seen."""
        return self.readings.full.seen if self.part == "html" else self.readings.full


@dataclass(frozen=True, slots=True)
class Message:
    """One template as one touch says it on one channel."""

    step: TouchStep
    place: int
    touch: Touch
    touch_path: str
    channel: Channel
    key: str
    body: Body
    repeated: bool

    @property
    def path(self) -> str:
        """Where its template stands."""
        return pointer("/templates", self.key)

    def speeches(self) -> tuple[Speech, ...]:
        """The parts that are read or heard as the message."""
        said = set(_SAID) & set(TRAITS[self.channel].parts)
        return tuple(s for s in speeches_of(self.key, self.body) if s.part in said)


@dataclass(frozen=True)
class Script:
    """A sequence and what can be told of it."""

    sequence: Sequence

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        """What its touches may say, in the order of the steps."""
        return tuple(self._messages())

    @cached_property
    def course(self) -> Course:
        """What follows what."""
        return Course(self.sequence)

    @property
    def asked_for(self) -> bool:
        """Whether its messages are what somebody asked for by booking, not follow-up."""
        return self.sequence.transactional

    def follow_ups(self) -> Iterator[Message]:
        """The messages that are not transactional."""
        return (m for m in self.messages if not self.is_transactional(m.step))

    def is_transactional(self, step: TouchStep) -> bool:
        """Whether a step's touches confirm or remind of what somebody booked."""
        own = step.transactional
        return self.sequence.transactional if own is None else own

    def speeches(self) -> Iterator[Speech]:
        """Every Liquid source of the document, once."""
        for key, body in self.sequence.templates.items():
            yield from speeches_of(key, body)

    def _messages(self) -> Iterator[Message]:
        for place, step in enumerate(self.sequence.steps):
            if not isinstance(step, TouchStep):
                continue
            for number, touch in enumerate(step.touches):
                for channel, key in _uses(touch):
                    yield Message(
                        step=step,
                        place=place,
                        touch=touch,
                        touch_path=f"/steps/{place}/touches/{number}",
                        channel=channel,
                        key=key,
                        body=self.sequence.templates[key],
                        repeated=self.sequence.repeat is not None and not _rotates(touch),
                    )


def speeches_of(key: str, body: Body) -> Iterator[Speech]:
    """The Liquid sources of a template."""
    path = pointer("/templates", key)
    if body.subject is not None:
        yield Speech("subject", f"{path}/subject", body.subject)
    for number, subject in enumerate(body.subjects or ()):
        yield Speech("subject", f"{path}/subjects/{number}", subject)
    yield Speech("text", f"{path}/text", body.text)
    if body.html is not None:
        yield Speech("html", f"{path}/html", body.html)
    if body.voicemail is not None:
        yield Speech("voicemail", f"{path}/voicemail", body.voicemail)


def _uses(touch: Touch) -> list[tuple[Channel, str]]:
    """Channel and text of each way it may go, each once, in the order of the document."""
    return list(
        dict.fromkeys(
            (channel, key)
            for channel in touch.candidates()
            for choice in touch.says(channel)
            for key in choice.uses()
        )
    )


def _rotates(touch: Touch) -> bool:
    return any(isinstance(choice.use, Rotation) for choice in touch.choices())
