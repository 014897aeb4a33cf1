"""What every kind of step has."""

from followup_scheduler.core.format.at import At
from followup_scheduler.core.format.condition import Condition
from followup_scheduler.core.format.part import Key, Part


class StepShape(Part):
    """The fields that all kinds of steps share.

    `at` is its moment (none: as soon as the step before has ended). With `when` it is
    passed over unless that holds at its moment. `next` is the step that follows it, a
    later one or `end`; else the one below it.
    """

    id: Key
    at: At | None = None
    when: Condition | None = None
    next: Key | None = None

    def goes_to(self) -> frozenset[str]:
        """The steps it may lead to by name."""
        return frozenset() if self.next is None else frozenset({self.next})

    def asks_about(self) -> frozenset[str]:
        """The steps its conditions ask about."""
        return frozenset() if self.when is None else self.when.steps()
