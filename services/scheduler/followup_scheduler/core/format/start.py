"""By which events of the product leads enter a sequence by themselves."""

from collections.abc import Sequence

from followup_scheduler.core.format.condition import Condition
from followup_scheduler.core.format.part import Part
from followup_scheduler.core.format.reaction import ProductEvent


class Start(Part):
    """An event by which its lead enters; with `when`, only if that holds at that moment."""

    event: ProductEvent
    when: Condition | None = None


def asked(starts: Sequence[Start], event: ProductEvent) -> tuple[Condition, ...] | None:
    """What an event asks for before its lead enters: one of these; () nothing; None: it does not.

    Several starts by one event are several ways in.
    """
    conditions = [start.when for start in starts if start.event == event]
    if not conditions:
        return None
    told = tuple(condition for condition in conditions if condition is not None)
    return told if len(told) == len(conditions) else ()
