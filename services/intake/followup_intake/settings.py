"""Intake's own settings."""

from dataclasses import dataclass
from datetime import timedelta

from followup_messaging.sweeper import REPUBLISH_AFTER


@dataclass(frozen=True, slots=True)
class IntakeSettings:
    """`republish_after`: how long an announced lead may stay unhandled (machine time).

    Shorter than what its consumers need makes work; it never makes a lead twice.
    """

    republish_after: timedelta = REPUBLISH_AFTER
