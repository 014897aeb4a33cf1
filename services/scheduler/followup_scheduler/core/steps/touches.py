"""A round of touches: the step that contacts somebody."""

from typing import Annotated

from pydantic import Field

from followup_contracts.payload import Channel
from followup_scheduler.core.format.step import StepShape
from followup_scheduler.core.format.touch import ChannelRule, Touch


class TouchStep(StepShape):
    """A moment and its touches: one round, at most one touch a channel.

    `transactional` exempts it from R1, R6 and R12, or does not, whatever its sequence says.
    """

    touches: Annotated[tuple[Touch, ...], Field(min_length=1, max_length=3)]
    transactional: bool | None = None

    def asks_about(self) -> frozenset[str]:
        """The steps its conditions and channels depend on."""
        return super().asks_about().union(*(touch.asks_about() for touch in self.touches))

    def fixed(self) -> frozenset[Channel]:
        """The channels of touches that name theirs."""
        return frozenset(
            touch.channel for touch in self.touches if not isinstance(touch.channel, ChannelRule)
        )
