"""Whether a condition of a document holds for an enrollment."""

from followup_scheduler.core.format.condition import Condition
from followup_scheduler.core.format.touch import Touch
from followup_scheduler.core.model import Enrollment, Facts


def holds(condition: Condition | None, *, enrollment: Enrollment, facts: Facts) -> bool:
    """Whether all of a condition holds; an absent one does.

    What is not known does not hold: a call without a result left no voicemail.
    """
    if condition is None:
        return True
    step = condition.voicemail_left
    if step is not None and not _voicemail_left(enrollment, step):
        return False
    if condition.reachable is not None and condition.reachable not in facts.reachable:
        return False
    if condition.unreachable is not None and condition.unreachable in facts.reachable:
        return False
    inner = condition.not_
    return inner is None or not holds(inner, enrollment=enrollment, facts=facts)


def choose(touch: Touch, *, enrollment: Enrollment, facts: Facts) -> str | None:
    """The template that a touch uses, or None if it is not to be."""
    if not holds(touch.when, enrollment=enrollment, facts=facts):
        return None
    for choice in touch.choices():
        if holds(choice.when, enrollment=enrollment, facts=facts):
            return choice.uses()[0]
    return None


def _voicemail_left(enrollment: Enrollment, step: str) -> bool:
    return any(
        touch.key.step == step and touch.call == "voicemail_left" for touch in enrollment.touches
    )
