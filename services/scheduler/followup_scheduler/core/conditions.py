"""Whether a condition of a document holds for an enrollment."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from followup_scheduler.core import memory
from followup_scheduler.core.anchors import fact
from followup_scheduler.core.format.condition import Condition, FactTest, Outcome
from followup_scheduler.core.model import Enrollment, Facts, TouchRecord
from followup_scheduler.core.touches import MAYBE_SENT


@dataclass(frozen=True, slots=True)
class Case:
    """What conditions are held against."""

    enrollment: Enrollment
    facts: Facts


def holds(condition: Condition | None, *, enrollment: Enrollment, facts: Facts) -> bool:
    """Whether all of a condition holds; an absent one does.

    What is not known does not hold: a call without a result left no voicemail.
    """
    return condition is None or _holds(condition, Case(enrollment, facts))


def _holds(condition: Condition, case: Case) -> bool:
    written = ((getattr(condition, name), test) for name, test in _TESTS.items())
    return all(test(value, case) for value, test in written if value is not None)


def _outcome(outcome: Outcome, case: Case) -> bool:
    if memory.ended(case.enrollment, outcome.of) == outcome.is_:
        return True
    return any(outcome.is_ in (t.state, t.call) for t in _round_of(outcome.of, case))


def _voicemail_left(step: str, case: Case) -> bool:
    return any(touch.call == "voicemail_left" for touch in _round_of(step, case))


def _round_of(step: str, case: Case) -> list[TouchRecord]:
    """The touches of a step in this time round."""
    since = memory.since(case.enrollment)
    return [
        touch
        for touch in case.enrollment.touches
        if touch.key.step == step and touch.key.occurrence >= since
    ]


def _replied(wanted: Any, case: Case) -> bool:
    read = memory.replies(case.enrollment)
    return bool(read) is wanted if isinstance(wanted, bool) else not read.isdisjoint(wanted)


def _tried(channel: str, case: Case) -> bool:
    return any(
        touch.key.channel == channel and touch.state in MAYBE_SENT
        for touch in case.enrollment.touches
    )


def _fact(test: FactTest, case: Case) -> bool:
    value = fact(case.facts, test.name)
    if test.known is not None and (value is not None) is not test.known:
        return False
    if test.is_ is not None and not any(_same(value, wanted) for wanted in test.values()):
        return False
    if test.above is None and test.below is None:
        return True
    number = _number(value)
    if number is None:
        return False
    above = test.above is None or number > Decimal(str(test.above))
    return above and (test.below is None or number < Decimal(str(test.below)))


def _same(value: Any, wanted: Any) -> bool:
    """Equal, as people mean it: numbers by value, words whatever their case."""
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    if isinstance(value, str) and isinstance(wanted, str):
        return value.casefold() == wanted.casefold()
    one, other = _number(value), _number(wanted)
    return one is not None and one == other


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


_TESTS: dict[str, Callable[[Any, Case], bool]] = {
    "voicemail_left": _voicemail_left,
    "outcome": _outcome,
    "reachable": lambda channel, case: channel in case.facts.reachable,
    "unreachable": lambda channel, case: channel not in case.facts.reachable,
    "replied": _replied,
    "tried": _tried,
    "best_channel": lambda channel, case: channel == case.facts.best_channel,
    "source": lambda sources, case: case.facts.source in sources,
    "audience": lambda audience, case: case.facts.audience == audience,
    "asked": lambda asked, case: case.facts.asked is asked,
    "fact": _fact,
    "all_": lambda several, case: all(_holds(each, case) for each in several),
    "any_": lambda several, case: any(_holds(each, case) for each in several),
    "not_": lambda inner, case: not _holds(inner, case),
}
"""A test for each field of a condition."""
