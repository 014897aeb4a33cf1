"""What the format can say already and the engine cannot do yet."""

from collections.abc import Iterator

from followup_scheduler.core.document import Sequence
from followup_scheduler.core.errors import Fault
from followup_scheduler.core.format.text import Variants
from followup_scheduler.core.format.touch import Touch
from followup_scheduler.core.steps import TouchStep

_NOT_YET = "cannot be run yet"


def unbuilt(sequence: Sequence) -> list[Fault]:
    """Everything in a document that keeps it from being published for now."""
    return [Fault(None, path, _NOT_YET) for path in _found(sequence)]


def _found(sequence: Sequence) -> Iterator[str]:
    for number, step in enumerate(sequence.steps):
        if isinstance(step, TouchStep):
            for place, touch in enumerate(step.touches):
                for part in _parts(touch):
                    yield f"/steps/{number}/touches/{place}/{part}"


def _parts(touch: Touch) -> Iterator[str]:
    if touch.approval is not None:
        yield "approval"
    if touch.draft != "template":
        yield "draft"
    learned = (choice.use for choice in touch.choices())
    if any(isinstance(use, Variants) and use.choose == "thompson" for use in learned):
        yield "template"
