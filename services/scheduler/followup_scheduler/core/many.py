"""A sequence played for many leads, with what they share played once."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from followup_scheduler.core.document import Sequence
from followup_scheduler.core.format.text import Variants
from followup_scheduler.core.model import Facts
from followup_scheduler.core.simulate import simulate
from followup_scheduler.core.simulation import Happening, Outcomes, Simulation

Lead = tuple[UUID, Facts, datetime, tuple[Happening, ...]]
"""Its id, what is known of it, when it comes in, what happens from outside."""

_KEPT = 50_000


def simulate_many(
    sequence: Sequence, leads: Iterable[Lead], *, outcomes: Outcomes | None = None
) -> Iterator[Simulation]:
    """The calendar of each lead, in their order, as they are asked for.

    Two leads of whom the same is known, who come in at one moment, have one calendar: only
    where texts are compared does it depend on who they are.
    """
    known: dict[Any, Simulation] = {}
    compares = _compares(sequence)
    for lead_id, facts, start, happenings in leads:
        key = (lead_id if compares else None, start, happenings, *_all_of(facts))
        found = known.get(key) if not compares else None
        if found is None:
            found = simulate(
                sequence,
                facts,
                start=start,
                happenings=happenings,
                outcomes=outcomes,
                lead_id=lead_id,
            )
            if len(known) < _KEPT:
                known[key] = found
        yield found


def _compares(sequence: Sequence) -> bool:
    several = any(body.subjects is not None for body in sequence.templates.values())
    return several or any(
        isinstance(choice.use, Variants)
        for step in sequence.touch_steps()
        for touch in step.touches
        for choice in touch.choices()
    )


def _all_of(facts: Facts) -> tuple[Any, ...]:
    """Everything that is known, in a form that can be looked up."""
    plain = replace(facts, refused={}, attributes={}, contacts=())
    where = plain.where
    return (
        where.zones,
        where.jurisdictions,
        plain.source,
        plain.asked,
        plain.audience,
        plain.reachable,
        plain.best_channel,
        tuple(sorted(facts.refused.items())),
        repr(sorted(facts.attributes.items())),
        facts.contacts,
    )
