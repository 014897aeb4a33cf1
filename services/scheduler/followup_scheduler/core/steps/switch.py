"""A switch: this sequence ends and another begins."""

from typing import TYPE_CHECKING

from followup_scheduler.core.format.part import Key
from followup_scheduler.core.steps.shape import Act

if TYPE_CHECKING:
    from followup_scheduler.core.draft import Draft

SWITCHED = "switched"


class SwitchStep(Act):
    """Ends the run; the lead enters the sequence of this key."""

    switch: Key

    def act(self, draft: "Draft") -> None:
        """End, and enter the other."""
        draft.end_step(self.id, self.switch)
        draft.switch(self.switch, reason=SWITCHED)
