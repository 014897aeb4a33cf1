"""What an enrollment does when something happens."""

from datetime import timedelta
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Discriminator, Field, Tag, model_validator

from followup_contracts.events import CallResult, Intent
from followup_scheduler.core.durations import Duration
from followup_scheduler.core.format.condition import Condition
from followup_scheduler.core.format.part import Key, Part, Reason, Title

INTENTS: tuple[Intent, ...] = get_args(Intent)
CALL_RESULTS: tuple[CallResult, ...] = get_args(CallResult)
ProductEvent = Literal[
    "lead.converted",
    "appointment.booked",
    "appointment.rescheduled",
    "appointment.cancelled",
    "appointment.completed",
    "deal.stage_changed",
]
PRODUCT_EVENTS: tuple[ProductEvent, ...] = get_args(ProductEvent)
TRIGGERS: tuple[str, ...] = (
    *INTENTS,  # as documents wrote them first
    "reply",
    *(f"reply.{intent}" for intent in INTENTS),
    *(f"call.{result}" for result in CALL_RESULTS),
    *PRODUCT_EVENTS,
)
"""What `on` and a wait may name; `reply` stands for every reply nothing else names."""


def trigger(name: str) -> str:
    """The present spelling of a trigger: an intent alone means a reply of that intent."""
    return f"reply.{name}" if name in INTENTS else name


class Order(Part):
    """A task for a person: what, how soon, and when to remind them before that."""

    kind: Reason
    title: Title | None = None
    within: Duration = timedelta(hours=1)
    remind: Duration | None = None


class Reaction(Part):
    """What an enrollment does with a reply, or something else that happens.

    `go_on` changes nothing; `hold` waits for a person; `wait` waits for the date the
    reply names (and `rest` longer), else for `otherwise`, else ends; `halt` ends;
    `branch` goes on at the step `to`; `switch` ends and enters the sequence `to`. One
    that ends hands the lead to the list `hand_off`, if it names one. With `when` it is
    one of several, of which the first that holds counts.
    """

    do: Literal["go_on", "hold", "wait", "halt", "branch", "switch"]
    to: Key | None = None
    reason: Reason | None = None
    task: Order | None = None
    rest: Duration = timedelta(0)
    otherwise: Duration | None = None
    hand_off: Reason | None = None
    when: Condition | None = None

    @model_validator(mode="after")
    def _leads_somewhere(self) -> Self:
        if (self.do in ("branch", "switch")) != (self.to is not None):
            raise ValueError("branch and switch name where to, the others do not")
        return self


def _kind(value: Any) -> str:
    return "<several>" if isinstance(value, list | tuple) else "<one>"


Reactions = Annotated[
    Annotated[Reaction, Tag("<one>")]
    | Annotated[
        Annotated[tuple[Reaction, ...], Field(min_length=1, max_length=10)], Tag("<several>")
    ],
    Discriminator(_kind),
]


def several(reactions: Any) -> tuple[Reaction, ...]:
    """`Reactions` in the order in which they are tried."""
    return reactions if isinstance(reactions, tuple) else (reactions,)
