"""Sequence documents: what a sequence is, read from YAML and written as JSON.

A sequence is a list of steps counted from an anchor. A step has a moment and one or
more touches, which form one round of contact. New kinds of anchors, conditions and
touches are new fields and new values; a document written today stays valid.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PrivateAttr, StringConstraints, model_validator

from followup_contracts.events import Audience, Intent
from followup_contracts.payload import Channel
from followup_scheduler.core.content import Body, Choice, Condition, Key, Part
from followup_scheduler.core.durations import Duration

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Reason = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class At(Part):
    """When a step is due: `day` or `after`, counted from the anchor.

    `day: n` is the n-th local date after the anchor's (0 is the anchor's own), `after`
    an elapsed time. With `window: at_once` it goes as soon as the law allows, with
    `preferred` in the preferred hours of its channel (R12). `within` is the promise
    that figures are held against; it moves nothing.
    """

    day: Annotated[int, Field(ge=0, le=1_830)] | None = None
    after: Duration | None = None
    window: Literal["at_once", "preferred"] = "preferred"
    within: Duration | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.day is None) == (self.after is None):
            raise ValueError("write either day or after")
        return self

    def earliest(self) -> timedelta:
        """How long after the anchor, at the soonest, as far as steps can be ordered by it."""
        return self.after if self.after is not None else timedelta(days=self.day or 0)


class Touch(Part):
    """One planned contact of a step.

    `template` is a template's key, or a list of choices of which the first that fits is
    used (none: no touch). `delay` counts from the step's moment. `part` is the part of
    the day of a call: `other` is another one than the last call's, which calls keep to
    anyway (R3).
    """

    channel: Channel
    template: Key | Annotated[tuple[Choice, ...], Field(min_length=1, max_length=10)]
    when: Condition | None = None
    delay: Duration = timedelta(0)
    within: Duration | None = None
    part: Literal["morning", "afternoon", "other"] | None = None

    def choices(self) -> tuple[Choice, ...]:
        """Its templates, in the order in which they are tried."""
        if isinstance(self.template, str):
            return (Choice(use=self.template),)
        return self.template

    def asks_about(self) -> frozenset[str]:
        """The steps its conditions name."""
        conditions = [self.when, *(choice.when for choice in self.choices())]
        return frozenset().union(*(c.steps() for c in conditions if c is not None))


class Step(Part):
    """A moment and its touches: one round, at most one touch a channel."""

    id: Key
    at: At
    touches: Annotated[tuple[Touch, ...], Field(min_length=1, max_length=3)]


class Order(Part):
    """A task for a person: what, and how soon."""

    kind: Reason
    within: Duration = timedelta(hours=1)


class Reaction(Part):
    """What an enrollment does with a reply.

    `go_on` changes nothing; `hold` waits for a person; `wait` waits for the date the
    reply names (and `rest` longer), else for `otherwise`, else ends; `halt` ends. One
    that ends hands the lead to the list `hand_off`, if it names one.
    """

    do: Literal["go_on", "hold", "wait", "halt"]
    reason: Reason | None = None
    task: Order | None = None
    rest: Duration = timedelta(0)
    otherwise: Duration | None = None
    hand_off: Reason | None = None


class Limits(Part):
    """How far a sequence may be moved and how long it waits for answers.

    `slide`: a touch that cannot go within this long of its moment is skipped.
    `call`: how long after a call its result is waited for. `unknown`: how long a touch
    of unknown outcome keeps its step open.
    """

    slide: Annotated[Duration, Field(ge=timedelta(days=1), le=timedelta(days=60))] = timedelta(
        days=7
    )
    call: Annotated[Duration, Field(ge=timedelta(minutes=1), le=timedelta(days=2))] = timedelta(
        hours=1
    )
    unknown: Annotated[Duration, Field(ge=timedelta(minutes=1), le=timedelta(days=7))] = timedelta(
        days=1
    )


class End(Part):
    """What follows the last step.

    `wait`: how long answers to the last touch are still waited for. `hand_off`: the list
    that a lead who never answered is handed to, if any (C2).
    """

    wait: Annotated[Duration, Field(le=timedelta(days=60))] = timedelta(0)
    hand_off: Reason | None = None


class Sequence(Part):
    """A whole sequence. `templates` is the content, by the keys that touches use.

    `audience` b2b keeps to weekdays (R11) even for leads not known to be businesses.
    """

    format: Literal[1] = 1
    key: Key
    name: Title
    description: Annotated[str, StringConstraints(max_length=2_000)] = ""
    audience: Audience | None = None
    anchor: Literal["enrolled"] = "enrolled"
    limits: Limits = Limits()
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=200)]
    on: Mapping[Intent, Reaction] = Field(default_factory=dict)
    end: End = End()
    templates: Annotated[Mapping[Key, Body], Field(min_length=1, max_length=600)]

    _places: Mapping[str, int] = PrivateAttr(default_factory=dict)

    def model_post_init(self, _context: Any, /) -> None:
        """Remember where each step stands."""
        self._places = {step.id: place for place, step in enumerate(self.steps)}

    def place(self, step: str | None) -> int | None:
        """Where a step stands, or None if there is none of that id."""
        return None if step is None else self._places.get(step)

    def step(self, step: str | None) -> Step | None:
        """The step of that id, or None."""
        place = self.place(step)
        return None if place is None else self.steps[place]

    def step_after(self, step: str | None) -> Step | None:
        """The step that follows; the first after None; None after the last or an unknown one."""
        if step is None:
            return self.steps[0]
        place = self.place(step)
        if place is None or place + 1 == len(self.steps):
            return None
        return self.steps[place + 1]


def parse(text: str, *, file: str = "<document>") -> Sequence:
    """The sequence that a YAML (or JSON) text describes.

    Raises BadDocument, which names everything wrong with line, path, message and,
    where there is a likely one, a suggestion.
    """
    from followup_scheduler.core.reading import parse_text  # noqa: PLC0415 - it reads this module

    return parse_text(text, file=file)


def from_json(values: Mapping[str, Any], *, file: str = "<document>") -> Sequence:
    """The sequence in plain values such as `to_json` makes. Raises BadDocument."""
    from followup_scheduler.core.reading import validate  # noqa: PLC0415 - it reads this module

    return validate(values, file=file)


def to_json(sequence: Sequence) -> dict[str, Any]:
    """The sequence as plain JSON values; `from_json` makes the same sequence of it.

    Defaults are written out, so that a stored version keeps its meaning if they change.
    """
    return sequence.model_dump(mode="json", by_alias=True, exclude_none=True)


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of documents, for editors and other products."""
    schema = Sequence.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
