"""What must be so."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from followup_contracts.events import Audience, CallResult, Intent
from followup_contracts.payload import Channel
from followup_scheduler.core.format.part import FactName, Key, Part, Reason

Word = str | int | float | bool
"""A value that an attribute may have, as documents write it."""


class Outcome(Part):
    """How a step ended: a state of its touch, the result of its call, a task's outcome."""

    of: Key
    is_: Literal["sent", "failed", "skipped", "timed_out", "met"] | CallResult | Reason = Field(
        alias="is"
    )


class FactTest(Part):
    """What something known of a lead is: among values, above or below a number, or known.

    All that is written must hold. What is not known is nothing, above nothing and below
    nothing.
    """

    name: FactName
    is_: Word | Annotated[tuple[Word, ...], Field(min_length=1, max_length=50)] | None = Field(
        default=None, alias="is"
    )
    above: float | None = None
    below: float | None = None
    known: bool | None = None

    @model_validator(mode="after")
    def _asks(self) -> Self:
        if (self.is_, self.above, self.below, self.known) == (None, None, None, None):
            raise ValueError("write is, above, below or known")
        return self

    def values(self) -> tuple[Word, ...]:
        """The values it may be."""
        if self.is_ is None:
            return ()
        return self.is_ if isinstance(self.is_, tuple) else (self.is_,)


_Several = Annotated[tuple["Condition", ...], Field(min_length=1, max_length=20)]


class Condition(Part):
    """What must be so when something is decided; all that is written must hold.

    `voicemail_left` names a step whose call left a voicemail; `outcome` a step and how it
    ended. `reachable` and `unreachable` name a channel. `replied`: any reply in this run
    (`true`), none (`false`), or one of these intents. `tried`: something went out on the
    channel in this run; `best_channel`: it is the one this lead answers best, as far as
    that is known. `fact` tests what is known of the lead: an attribute, `deal.stage`,
    `deal.value`, `deal.currency`, `source`.
    """

    voicemail_left: Key | None = None
    outcome: Outcome | None = None
    reachable: Channel | None = None
    unreachable: Channel | None = None
    replied: bool | Annotated[tuple[Intent, ...], Field(min_length=1)] | None = None
    tried: Channel | None = None
    best_channel: Channel | None = None
    source: Annotated[tuple[str, ...], Field(min_length=1, max_length=50)] | None = None
    audience: Audience | None = None
    asked: bool | None = None
    fact: FactTest | None = None
    all_: _Several | None = Field(default=None, alias="all")
    any_: _Several | None = Field(default=None, alias="any")
    not_: "Condition | None" = Field(default=None, alias="not")

    def steps(self) -> frozenset[str]:
        """The steps that it asks about."""
        own = {self.voicemail_left} if self.voicemail_left else set[str]()
        if self.outcome is not None:
            own.add(self.outcome.of)
        inner = (*(self.all_ or ()), *(self.any_ or ()), *((self.not_,) if self.not_ else ()))
        return frozenset(own).union(*(each.steps() for each in inner))
