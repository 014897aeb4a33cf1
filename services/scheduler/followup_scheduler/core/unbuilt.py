"""What the format can say already and the engine cannot do yet."""

from collections.abc import Iterator

from followup_scheduler.core.document import Sequence
from followup_scheduler.core.errors import Fault
from followup_scheduler.core.format.at import At
from followup_scheduler.core.format.condition import Condition
from followup_scheduler.core.format.reaction import INTENTS, several
from followup_scheduler.core.format.touch import ChannelRule, Touch
from followup_scheduler.core.source import pointer
from followup_scheduler.core.steps import TouchStep

_NOT_YET = "cannot be run yet"
_PLAIN_MOMENT = frozenset({"day", "after", "window", "within"})
_PLAIN_CONDITION = frozenset({"voicemail_left", "reachable", "unreachable", "not_"})


def unbuilt(sequence: Sequence) -> list[Fault]:
    """Everything in a document that keeps it from being published for now."""
    return [Fault(None, path, _NOT_YET) for path in _found(sequence)]


def _found(sequence: Sequence) -> Iterator[str]:
    if sequence.anchor != "enrolled":
        yield "/anchor"
    for name in ("transactional", "repeat"):
        if getattr(sequence, name):
            yield f"/{name}"
    if sequence.end.then is not None:
        yield "/end/then"
    yield from _steps(sequence)
    for name, reactions in sequence.on.items():
        plain = all(r.when is None and r.do not in ("branch", "switch") for r in several(reactions))
        if not plain or name.removeprefix("reply.") not in INTENTS:
            yield pointer("/on", name)


def _steps(sequence: Sequence) -> Iterator[str]:
    for number, step in enumerate(sequence.steps):
        path = f"/steps/{number}"
        if not isinstance(step, TouchStep):
            yield path
            continue
        if step.next or step.when or step.transactional is not None or not _plain(step.at):
            yield path
        for place, touch in enumerate(step.touches):
            if not _plain_touch(touch):
                yield f"{path}/touches/{place}"


def _plain(at: At | None) -> bool:
    return (
        at is not None
        and at.model_fields_set <= _PLAIN_MOMENT
        and at.hours in ("at_once", "preferred")
    )


def _plain_touch(touch: Touch) -> bool:
    if isinstance(touch.channel, ChannelRule) or touch.approval or touch.draft != "template":
        return False
    conditions = [touch.when, *(choice.when for choice in touch.choices())]
    keys = all(isinstance(choice.use, str) for choice in touch.choices())
    return keys and all(map(_plain_condition, conditions))


def _plain_condition(when: Condition | None) -> bool:
    return when is None or (
        when.model_fields_set <= _PLAIN_CONDITION and _plain_condition(when.not_)
    )
