"""A switch: this sequence ends and another begins."""

from followup_scheduler.core.format.part import Key
from followup_scheduler.core.format.step import StepShape


class SwitchStep(StepShape):
    """Ends the run; the lead enters the sequence of this key."""

    switch: Key
