"""Sequence documents: what a sequence is, read from YAML and written as JSON.

A sequence is a list of steps counted from an anchor. What a step may be is in `steps`,
what it is made of in `format`. New kinds are new fields and new values; a document written
today stays valid.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from followup_contracts.events import Audience
from followup_contracts.payload import Channel
from followup_scheduler.core.content import Body
from followup_scheduler.core.format.limits import Cap, End, Limits, Reenroll
from followup_scheduler.core.format.looks import names_in
from followup_scheduler.core.format.part import END, FactName, Key, Part, RuleName, Title
from followup_scheduler.core.format.reaction import Reaction, Reactions, several, trigger
from followup_scheduler.core.format.repeat import Repeat
from followup_scheduler.core.format.start import Start
from followup_scheduler.core.steps import Step, TouchStep
from followup_scheduler.core.steps.wait import Trigger


class Sequence(Part):
    """A whole sequence. `templates` is the content, by the keys that touches use.

    `anchor` is the moment it counts from: `enrolled`, `appointment.starts_at`,
    `appointment.completed_at`, or an attribute that holds a date or a moment, such as
    `birthday` or `quote.sent_at`. `audience` b2b keeps to weekdays (R11) even for leads not
    known to be businesses. `transactional` messages are what somebody asked for by
    booking: exempt from R1, R6 and R12, never from R13 and R15. Of several sequences that
    would contact somebody on one day the one of higher `priority` goes first. `starts` are
    the events of the product by which a lead enters by itself. `reenroll` says whether a
    lead may enter again once a run is over. `accept` names rules of the lint
    that this document breaks on purpose, each with the reason.
    """

    format: Literal[1] = 1
    key: Key
    name: Title
    description: Annotated[str, StringConstraints(max_length=2_000)] = ""
    audience: Audience | None = None
    anchor: FactName = "enrolled"
    transactional: bool = False
    repeat: Repeat | None = None
    priority: Annotated[int, Field(ge=0, le=100)] = 50
    starts: Annotated[tuple[Start, ...], Field(max_length=20)] = ()
    reenroll: Reenroll = "never"
    caps: Annotated[tuple[Cap, ...], Field(max_length=10)] = ()
    limits: Limits = Limits()
    accept: Mapping[RuleName, Title] = Field(default_factory=dict)
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=200)]
    on: Mapping[Trigger, Reactions] = Field(default_factory=dict)
    end: End = End()
    templates: Annotated[Mapping[Key, Body], Field(max_length=600)] = Field(default_factory=dict)

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Where each step stands."""
        return {step.id: place for place, step in enumerate(self.steps)}

    @cached_property
    def looks_at(self) -> frozenset[str]:
        """Of a lead's attributes (and its `source`) those on which its calendar may depend."""
        return names_in(self) | {self.anchor.partition(".")[0]}

    @cached_property
    def counts_from_previous(self) -> bool:
        """Whether any step counts from the end of the one before."""
        return any(step.moment.from_ == "previous" for step in self.steps)

    def anchor_named(self, name: str) -> str:
        """The anchor that a step's `from` means; `enrolled` only where it comes but once."""
        named = self.anchor if name == "anchor" else name
        repeats = name == "anchor" and self.repeat is not None
        return "anchor" if repeats else named

    def place(self, step: str | None) -> int | None:
        """Where a step stands, or None if there is none of that id."""
        return None if step is None else self.places.get(step)

    def step(self, step: str | None) -> Step | None:
        """The step of that id, or None."""
        place = self.place(step)
        return None if place is None else self.steps[place]

    def step_after(self, step: str | None) -> Step | None:
        """The step that follows; the first after None; None after the last or an unknown one.

        The step it names as its `next`, else the one below it.
        """
        if step is None:
            return self.steps[0]
        place = self.place(step)
        if place is None:
            return None
        named = self.steps[place].next
        if named is not None:
            return None if named == END else self.step(named)
        return self.steps[place + 1] if place + 1 < len(self.steps) else None

    def reactions(self, name: str) -> tuple[Reaction, ...]:
        """What the document says to a trigger, in the order in which it is tried."""
        found = next((several(r) for key, r in self.on.items() if trigger(key) == name), ())
        if not found and name.startswith("reply."):
            return several(self.on["reply"]) if "reply" in self.on else ()
        return found

    def touch_steps(self) -> Iterator[TouchStep]:
        """Its rounds of touches."""
        return (step for step in self.steps if isinstance(step, TouchStep))

    def contents(self) -> Mapping[tuple[Channel, str], Body]:
        """Every text as it goes out, by channel and the name it is kept under."""
        return {
            (channel, name): body
            for channel, key in sorted(self.uses())
            for name, body in self.templates[key].editions(key).items()
        }

    def uses(self) -> frozenset[tuple[Channel, str]]:
        """Every channel and text that its touches may come to."""
        return frozenset(
            use for step in self.touch_steps() for touch in step.touches for use in touch.uses()
        )


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
