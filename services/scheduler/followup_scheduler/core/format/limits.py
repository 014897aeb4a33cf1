"""How far a sequence reaches: its limits, its end, its place among others."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from followup_contracts.payload import Channel
from followup_scheduler.core.durations import Duration
from followup_scheduler.core.format.part import Key, Part, Reason


class Limits(Part):
    """How far a sequence may be moved and how long it waits for answers.

    `slide`: a touch that cannot go within this long of its moment is skipped.
    `call`: how long after a call its result is waited for. `unknown`: how long a touch
    of unknown outcome keeps its step open. `anchor`: how long an anchor that is not known
    yet is waited for.
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
    anchor: Annotated[Duration, Field(ge=timedelta(hours=1), le=timedelta(days=800))] = timedelta(
        days=90
    )


class End(Part):
    """What follows the last step.

    `wait`: how long answers to the last touch are still waited for. `hand_off`: the list
    that a lead who never answered is handed to, if any (C2). `then`: the sequence that
    such a lead enters next.
    """

    wait: Annotated[Duration, Field(le=timedelta(days=60))] = timedelta(0)
    hand_off: Reason | None = None
    then: Key | None = None


class Cap(Part):
    """At most so many touches of this sequence in any such span of time, on one channel or all."""

    touches: Annotated[int, Field(ge=1, le=1_000)]
    per: Annotated[Duration, Field(ge=timedelta(hours=1))]
    channel: Channel | None = None


class AfterRest(Part):
    """Again, once the last run has been over for so long."""

    after: Duration


Reenroll = Literal["never", "always"] | AfterRest
