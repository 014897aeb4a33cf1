"""A fork: which step follows depends on what is so."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from followup_scheduler.core.format.condition import Condition
from followup_scheduler.core.format.part import Key, Part
from followup_scheduler.core.steps.shape import Act

if TYPE_CHECKING:
    from followup_scheduler.core.draft import Draft

ELSE = "else"


class Arm(Part):
    """A way on: to the step `go`, if `when` is the first that holds."""

    go: Key
    when: Condition | None = None


class BranchStep(Act):
    """Goes on at the step of the first arm that holds, else at the step that follows."""

    branch: Annotated[tuple[Arm, ...], Field(min_length=1, max_length=20)]

    def goes_to(self) -> frozenset[str]:
        """Where its arms and `next` lead."""
        return super().goes_to() | {arm.go for arm in self.branch}

    def asks_about(self) -> frozenset[str]:
        """The steps its arms ask about."""
        conditions = [arm.when for arm in self.branch if arm.when is not None]
        return super().asks_about().union(*(condition.steps() for condition in conditions))

    def act(self, draft: "Draft") -> None:
        """Take the first arm that holds."""
        arm = next((arm for arm in self.branch if draft.holds(arm.when)), None)
        if arm is None:
            draft.end_step(self.id, ELSE)
        else:
            draft.end_step(self.id, arm.go, goes=arm.go)
            draft.tell_branch(arm.go)
