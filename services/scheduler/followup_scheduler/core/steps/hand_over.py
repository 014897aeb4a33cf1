"""A hand-over: the lead goes to a list that other systems read (C2)."""

from followup_scheduler.core.format.part import Reason
from followup_scheduler.core.format.step import StepShape


class HandOverStep(StepShape):
    """Hands the lead to a list and goes on; with `next: end` the sequence ends."""

    hand_over: Reason
