"""A hand-over: the lead goes to a list that other systems read (C2)."""

from typing import TYPE_CHECKING

from followup_scheduler.core.format.part import Reason
from followup_scheduler.core.steps.shape import Act

if TYPE_CHECKING:
    from followup_scheduler.core.draft import Draft

HANDED_OVER = "handed_over"


class HandOverStep(Act):
    """Hands the lead to a list and goes on; with `next: end` the sequence ends."""

    hand_over: Reason

    def act(self, draft: "Draft") -> None:
        """Tell everybody."""
        draft.hand_off(self.hand_over)
        draft.end_step(self.id, HANDED_OVER)
