"""On which channel a touch goes, and with which text."""

from collections.abc import Iterable
from collections.abc import Sequence as Several
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING
from uuid import UUID

from followup_contracts.payload import Channel
from followup_scheduler.core import memory
from followup_scheduler.core.conditions import holds
from followup_scheduler.core.content import text_of
from followup_scheduler.core.evidence.tallies import Tally
from followup_scheduler.core.evidence.variants import thompson
from followup_scheduler.core.format.text import Choice, Rotation, Variant, Variants
from followup_scheduler.core.format.touch import ChannelRule, Touch
from followup_scheduler.core.model import Enrollment, Facts
from followup_scheduler.core.touches import MAYBE_SENT

if TYPE_CHECKING:
    from followup_scheduler.core.document import Sequence

_PARTS = 2**64


@dataclass(frozen=True, slots=True)
class Picked:
    """A text by the name it is kept under; `variant` says of how many, where it was compared."""

    name: str
    variant: str | None = None


def pick_channel(
    touch: Touch, *, enrollment: Enrollment, facts: Facts, taken: frozenset[Channel]
) -> Channel:
    """The channel a touch goes on: of its rule's those the person can be reached on.

    `taken` are those of other touches of its step. If nothing suits it is the first of
    what the rule would take, where the reason is told.
    """
    rule = touch.channel
    candidates = [channel for channel in touch.candidates() if channel not in taken]
    if not isinstance(rule, ChannelRule) or not candidates:
        return touch.candidates()[0]
    wished = _wished(rule, candidates, enrollment=enrollment, facts=facts)
    return next((channel for channel in wished if channel in facts.reachable), wished[0])


def _wished(
    rule: ChannelRule, candidates: list[Channel], *, enrollment: Enrollment, facts: Facts
) -> list[Channel]:
    """The candidates, those the rule would have first."""
    if rule.best is not None:
        return sorted(candidates, key=lambda channel: channel != facts.best_channel)
    if rule.other_than is not None:
        used = _used(rule.other_than, enrollment)
        return sorted(candidates, key=lambda channel: channel in used)
    return candidates


def _used(by: str, enrollment: Enrollment) -> frozenset[Channel]:
    """The channels on which a step went out; of `previous`, that of the touch that went last."""
    gone = [t for t in enrollment.touches if t.state in MAYBE_SENT and t.at is not None]
    if by == "previous":
        last = max((t.at for t in gone if t.at is not None), default=None)
        return frozenset(t.key.channel for t in gone if t.at == last)
    since = memory.since(enrollment)
    return frozenset(t.key.channel for t in gone if t.key.step == by and t.key.occurrence >= since)


def pick_text(
    touch: Touch,
    channel: Channel,
    *,
    step: str,
    sequence: "Sequence",
    enrollment: Enrollment,
    facts: Facts,
) -> Picked | None:
    """The text that a touch uses, or None if it is not to be."""
    if not holds(touch.when, enrollment=enrollment, facts=facts):
        return None
    for choice in touch.says(channel):
        if holds(choice.when, enrollment=enrollment, facts=facts):
            picked = _use(choice, step=step, enrollment=enrollment, facts=facts)
            return _with_subject(picked, sequence, step=step, enrollment=enrollment, facts=facts)
    return None


def _use(choice: Choice, *, step: str, enrollment: Enrollment, facts: Facts) -> Picked:
    match choice.use:
        case Variants(variants=variants, choose="thompson"):
            names = [variant.use for variant in variants]
            return _learned(names, step=step, enrollment=enrollment, facts=facts)
        case Variants(variants=variants):
            return Picked(
                shared_out(variants, enrollment=enrollment.id, step=step),
                variant=f"of {len(variants)} texts",
            )
        case Rotation(rotate=keys):
            return Picked(keys[memory.cycle(enrollment) % len(keys)])
        case key:
            return Picked(key)


def _learned(
    names: Several[str], *, step: str, enrollment: Enrollment, facts: Facts, what: str = "texts"
) -> Picked:
    """The text that what was answered so far speaks for; one that was given before stays.

    A text that was given with one of its subjects was given.
    """
    since = memory.since(enrollment)
    texts = {t.text for t in enrollment.touches if t.key.step == step and t.key.occurrence >= since}
    given = {name for text in texts if text for name in (text, text_of(text))}
    for name in names:
        if name in given:
            return Picked(name, variant=f"of {len(names)} {what}, as before")
    tallies = {name: facts.variants.get(name, Tally()) for name in names}
    seed = f"{enrollment.id}/{step}" if what == "texts" else f"{enrollment.id}/{step}/{what}"
    chosen = thompson(tallies, seed=seed)
    return Picked(chosen.name, variant=f"of {len(names)} {what}, {chosen.why}")


def _with_subject(
    picked: Picked, sequence: "Sequence", *, step: str, enrollment: Enrollment, facts: Facts
) -> Picked:
    """The text with one of its subjects, where it has several."""
    body = sequence.templates[picked.name]
    if body.subjects is None:
        return picked
    names = tuple(body.editions(picked.name))
    if body.choose == "thompson":
        one = _learned(names, step=step, enrollment=enrollment, facts=facts, what="subjects")
    else:
        subjects = tuple(Variant.model_construct(use=name, weight=1) for name in names)
        name = shared_out(subjects, enrollment=enrollment.id, step=f"{step}/subject")
        one = Picked(name, variant=f"of {len(names)} subjects")
    told = f"{picked.variant}, {one.variant}" if picked.variant else one.variant
    return Picked(one.name, variant=told)


def shared_out(variants: Iterable[Variant], *, enrollment: UUID, step: str) -> str:
    """The variant of an enrollment at a step: the same whenever it is asked for.

    By a hash of both, so that over many leads each gets its share by weight, and which
    one a lead gets at one step says nothing about the next.
    """
    several = [variant for variant in variants if variant.weight] or list(variants)
    total = sum(variant.weight for variant in several) or len(several)
    digest = sha256(f"{enrollment}/{step}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") * total // _PARTS
    for variant in several:
        place -= variant.weight or 1
        if place < 0:
            return variant.use
    return several[-1].use
