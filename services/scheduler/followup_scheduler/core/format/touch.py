"""One planned contact."""

from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from followup_contracts.payload import CHANNELS, Channel
from followup_scheduler.core.durations import Duration
from followup_scheduler.core.format.condition import Condition
from followup_scheduler.core.format.part import Key, Part
from followup_scheduler.core.format.text import Choice, Template, choices

_Channels = Annotated[tuple[Channel, ...], Field(min_length=1, max_length=len(CHANNELS))]


class ChannelRule(Part):
    """A channel found when the touch is planned, among those the person can be reached on.

    `first_of`: the first of these. `best`: of these, the one this lead answers best, else
    the first. `other_than`: the first the touch has a text for that the named step
    (`previous`: whatever went out last) did not use.
    """

    first_of: _Channels | None = None
    best: _Channels | None = None
    other_than: Key | None = None

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        if sum(rule is not None for rule in (self.first_of, self.best, self.other_than)) != 1:
            raise ValueError("write one of first_of, best and other_than")
        return self


class Approval(Part):
    """A person's approval before a touch goes out (H4).

    `within`: how long it is waited for. `otherwise`: what becomes of the touch then.
    """

    within: Duration = timedelta(days=1)
    otherwise: Literal["skip", "send"] = "skip"


def _channel_kind(value: Any) -> str:
    return "<rule>" if isinstance(value, dict | ChannelRule) else "<channel>"


def _approval_kind(value: Any) -> str:
    return "<approval>" if isinstance(value, dict | Approval) else "<required>"


class Touch(Part):
    """One planned contact of a step.

    `template` is a template's key, a list of choices of which the first that fits is used
    (none: no touch), variants to compare, a rotation, or one of these for each channel.
    `delay` counts from the step's moment. `part` is the part of the day of a call: `other`
    is another one than the last call's, which calls keep to anyway (R3). With `approval`
    it waits for a person; `draft: model` has a language model write what they see.
    """

    channel: Annotated[
        Annotated[Channel, Tag("<channel>")] | Annotated[ChannelRule, Tag("<rule>")],
        Discriminator(_channel_kind),
    ]
    template: Template
    when: Condition | None = None
    delay: Duration = timedelta(0)
    within: Duration | None = None
    part: Literal["morning", "afternoon", "other"] | None = None
    approval: (
        Annotated[
            Annotated[Literal["required"], Tag("<required>")]
            | Annotated[Approval, Tag("<approval>")],
            Discriminator(_approval_kind),
        ]
        | None
    ) = None
    draft: Literal["template", "model"] = "template"

    def candidates(self) -> tuple[Channel, ...]:
        """The channels it may go on, in the order in which they are tried."""
        rule = self.channel
        if not isinstance(rule, ChannelRule):
            return (rule,)
        named = rule.first_of or rule.best
        if isinstance(self.template, Mapping):
            # Not in the order of the map, which no JSON has to keep.
            return tuple(c for c in named or CHANNELS if c in self.template)
        return named or CHANNELS

    def says(self, channel: Channel) -> tuple[Choice, ...]:
        """Its texts on a channel, in the order in which they are tried."""
        return self._said.get(channel, ())

    @cached_property
    def _said(self) -> Mapping[Channel, tuple[Choice, ...]]:
        if isinstance(self.template, Mapping):
            return {channel: choices(said) for channel, said in self.template.items()}
        return dict.fromkeys(self.candidates(), choices(self.template))

    def choices(self) -> tuple[Choice, ...]:
        """All its texts."""
        return tuple(choice for channel in self.candidates() for choice in self.says(channel))

    def uses(self) -> frozenset[tuple[Channel, str]]:
        """Every channel and text that it may come to."""
        return frozenset(
            (channel, key)
            for channel in self.candidates()
            for choice in self.says(channel)
            for key in choice.uses()
        )

    def approved_within(self) -> Approval | None:
        """The approval it waits for, if it does."""
        return Approval() if self.approval == "required" else self.approval

    def asks_about(self) -> frozenset[str]:
        """The steps its conditions name, and the one its channel depends on."""
        conditions = [self.when, *(choice.when for choice in self.choices())]
        named = frozenset().union(*(c.steps() for c in conditions if c is not None))
        rule = self.channel
        if isinstance(rule, ChannelRule) and rule.other_than not in (None, "previous"):
            named |= {rule.other_than}
        return named
