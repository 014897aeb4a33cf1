"""The scheduler's settings."""

from typing import Annotated

from pydantic import Field

from followup_runtime.settings import Settings


class SchedulerSettings(Settings):
    """What the scheduler may be told beyond what every service is.

    `window`: how many touches of one tenant and channel may be outstanding at a time.
    `unanswered_seconds`: machine time after which a command is given up and repeated.
    """

    window: Annotated[int, Field(ge=1, le=1_000_000)] = 2_000
    unanswered_seconds: Annotated[float, Field(ge=1, le=3_600)] = 60.0
