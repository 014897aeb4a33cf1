"""What a document's fields alone cannot say: names that refer, and order."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from difflib import get_close_matches

from followup_scheduler.core.document import Sequence
from followup_scheduler.core.format.condition import Condition
from followup_scheduler.core.format.part import END
from followup_scheduler.core.format.reaction import several, trigger
from followup_scheduler.core.format.touch import ChannelRule, Touch
from followup_scheduler.core.source import pointer
from followup_scheduler.core.steps import Step, TaskStep, TouchStep

Finding = tuple[str, str, str | None]
"""Path, message, suggestion."""

_RESERVED = frozenset({END, "previous", "anchor"})


def references(sequence: Sequence) -> Iterator[Finding]:
    """Everything in a well-formed document that refers to nothing, or the wrong way."""
    yield from _ids(sequence)
    yield from _order(sequence)
    seen: set[str] = set()
    for number, step in enumerate(sequence.steps):
        path = f"/steps/{number}"
        yield from _ways(sequence, step, path=path)
        yield from _asked(step.asks_about(), before=seen, path=_asking(step, path))
        if isinstance(step, TouchStep):
            yield from _touches(sequence, step, path=path, before=seen)
        seen.add(step.id)
    yield from _reactions(sequence)
    yield from _starts(sequence)
    used = {key for _, key in sequence.uses()}
    for key in sequence.templates:
        if key not in used:
            yield pointer("/templates", key), "no touch uses it", close(key, used)


def close(word: str, known: Iterable[str]) -> str | None:
    """A question about the known word that is nearest, if one is near."""
    near = get_close_matches(word, sorted(known), n=1)
    return f"did you mean {near[0]}?" if near and near[0] != word else None


def _ids(sequence: Sequence) -> Iterator[Finding]:
    seen: set[str] = set()
    for number, step in enumerate(sequence.steps):
        path = f"/steps/{number}/id"
        if step.id in seen:
            yield path, f"{step.id!r} is the id of another step too", None
        if step.id in _RESERVED:
            yield path, f"{step.id!r} means something else already", "choose another id"
        seen.add(step.id)


def _order(sequence: Sequence) -> Iterator[Finding]:
    """Steps counted from one anchor do not come before those that lead to them."""
    latest: dict[int, dict[str, timedelta]] = {}
    for number, step in enumerate(sequence.steps):
        before = latest.get(number, {})
        now = dict(before)
        if step.at is not None and step.at.from_ != "previous":
            counted = "anchor" if step.at.from_ == sequence.anchor else step.at.from_
            earliest = step.at.earliest()
            if counted in before and earliest < before[counted]:
                yield (
                    f"/steps/{number}/at",
                    "is before the step above it",
                    ("write the steps in their order"),
                )
            now[counted] = max(earliest, now.get(counted, earliest))
        for place in _followers(sequence, step, number):
            known = latest.get(place)
            latest[place] = now if known is None else _earlier(known, now)


def _earlier(one: dict[str, timedelta], other: dict[str, timedelta]) -> dict[str, timedelta]:
    """Where two ways join, what both have passed."""
    return {anchor: min(one[anchor], other[anchor]) for anchor in one.keys() & other.keys()}


def _followers(sequence: Sequence, step: Step, number: int) -> Iterator[int]:
    """The later steps that may come next."""
    places = {sequence.place(name) for name in step.goes_to()}
    if step.next is None and number + 1 < len(sequence.steps):
        places.add(number + 1)
    return (place for place in places if place is not None and place > number)


def _ways(sequence: Sequence, step: Step, *, path: str) -> Iterator[Finding]:
    here = sequence.place(step.id) or 0
    later = {other.id for other in sequence.steps[here + 1 :]}
    steps = {other.id for other in sequence.steps}
    outcomes = _outcome_branches(step)
    for name in sorted(step.goes_to()):
        allowed = steps if name in outcomes else later
        if name != END and name not in allowed:
            what = "a step" if name in outcomes else "a later step"
            yield path, f"leads to {name!r}, which is not {what}", close(name, allowed)


def _outcome_branches(step: Step) -> frozenset[str]:
    """Where outcomes of a task lead: like any reaction, also back."""
    if not isinstance(step, TaskStep):
        return frozenset()
    return frozenset(r.to for r in step.task.outcomes.values() if r.do == "branch" and r.to)


def _asking(step: Step, path: str) -> str:
    """Where a step asks, as near as it matters: its only touch, or the step."""
    if isinstance(step, TouchStep) and step.when is None:
        asking = [n for n, touch in enumerate(step.touches) if touch.asks_about()]
        if asking:
            return f"{path}/touches/{asking[0]}"
    return path


def _asked(names: Iterable[str], *, before: Iterable[str], path: str) -> Iterator[Finding]:
    known = frozenset(before)
    for name in sorted(frozenset(names) - known):
        yield path, f"asks about {name!r}, which is no step before it", close(name, known)


def _touches(
    sequence: Sequence, step: TouchStep, *, path: str, before: Iterable[str]
) -> Iterator[Finding]:
    del before
    channels: set[str] = set()
    for number, touch in enumerate(step.touches):
        here = f"{path}/touches/{number}"
        name = "rule" if isinstance(touch.channel, ChannelRule) else touch.channel
        if name in channels:
            what = "channel found by rule" if name == "rule" else name
            yield f"{here}/channel", f"the step has another {what} already", None
        channels.add(name)
        if touch.part is not None and "voice" not in touch.candidates():
            yield f"{here}/part", "only a call has a part of the day", None
        yield from _templates(sequence, touch, path=here)


def _templates(sequence: Sequence, touch: Touch, *, path: str) -> Iterator[Finding]:
    if not touch.candidates():
        yield f"{path}/template", "has a text for none of its channels", None
    for channel in touch.candidates():
        said = touch.says(channel)
        for number, choice in enumerate(said):
            here = f"{path}/template" + (f"/{number}" if isinstance(touch.template, tuple) else "")
            for key in choice.uses():
                body = sequence.templates.get(key)
                if body is None:
                    yield here, f"no template {key!r}", close(key, sequence.templates)
                elif (misfit := body.misfits(channel)) is not None:
                    yield pointer("/templates", key), misfit, None
            if choice.when is None and number + 1 < len(said):
                yield here, "always fits, so what follows is never used", "give it a when"


def _reactions(sequence: Sequence) -> Iterator[Finding]:
    steps = {step.id for step in sequence.steps}
    seen: set[str] = set()
    for name, reactions in sequence.on.items():
        path = pointer("/on", name)
        if trigger(name) in seen:
            yield path, "is written twice, with and without `reply.`", None
        seen.add(trigger(name))
        said = several(reactions)
        for number, reaction in enumerate(said):
            here = f"{path}/{number}" if isinstance(reactions, tuple) else path
            if reaction.do == "branch" and reaction.to not in steps:
                hint = close(reaction.to or "", steps)
                yield f"{here}/to", f"no step {reaction.to!r}", hint
            if reaction.when is None and number + 1 < len(said):
                yield here, "always holds, so what follows is never used", "give it a when"
            yield from _conditions(reaction.when, steps, path=here)


def _starts(sequence: Sequence) -> Iterator[Finding]:
    for number, start in enumerate(sequence.starts):
        for name in sorted(frozenset() if start.when is None else start.when.steps()):
            here = f"/starts/{number}/when"
            yield here, f"asks about step {name!r}, and nobody is in the sequence yet", None


def _conditions(when: Condition | None, steps: set[str], *, path: str) -> Iterator[Finding]:
    for name in sorted((frozenset() if when is None else when.steps()) - steps):
        yield f"{path}/when", f"asks about {name!r}, which is no step", close(name, steps)
