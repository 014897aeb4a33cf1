"""What an enrollment remembers of its touches, and what it may learn of them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from followup_contracts.payload import Channel
from followup_policy.caps import PastContact
from followup_scheduler.core import memory
from followup_scheduler.core.model import (
    OPEN_TOUCH_STATES,
    Enrollment,
    Facts,
    TouchKey,
    TouchRecord,
    TouchState,
)

_NEXT: Mapping[TouchState, frozenset[TouchState]] = {
    "planned": frozenset({"commanded", "sent", "failed", "skipped", "unknown", "cancelled"}),
    "commanded": frozenset({"planned", "sent", "failed", "skipped", "unknown", "cancelled"}),
    "unknown": frozenset({"planned", "sent", "failed", "skipped"}),
    "cancelled": frozenset({"sent", "unknown"}),  # its call had begun before the cut
}
MAYBE_SENT: frozenset[TouchState] = frozenset({"sent", "unknown"})
"""States in which the person may have been contacted: they count for caps."""


def may_become(old: TouchState, new: TouchState) -> bool:
    """Whether a touch may go from one state to the other."""
    return new in _NEXT.get(old, frozenset())


def contact_round(enrollment: Enrollment, key: TouchKey) -> str:
    """The round of contact a touch belongs to: a step's touches in one time round (R6).

    However often they were planned: what is left of a round is no round of its own. One
    colon only: what is before it is the enrollment (`followup_policy.caps`).
    """
    return f"{enrollment.id}:{key.step}.{memory.first_of(enrollment, key.step, key.occurrence)}"


def find(touches: Iterable[TouchRecord], key: TouchKey) -> TouchRecord | None:
    """The touch of that key, if the enrollment has it."""
    return next((touch for touch in touches if touch.key == key), None)


def standing(
    enrollment: Enrollment, *, step: str, channels: Collection[Channel], since: int = 0
) -> TouchRecord | None:
    """The touch that speaks for a touch of a step, which may go on one of these channels.

    One that went out, or may have, speaks before any other occurrence; else the newest.
    Occurrences before `since` are of an earlier time round.
    """
    found: TouchRecord | None = None
    for touch in enrollment.touches:
        key = touch.key
        if key.step != step or key.occurrence < since or key.channel not in channels:
            continue
        if found is None or _says(touch) >= _says(found):
            found = touch
    return found


def _says(touch: TouchRecord) -> tuple[bool, bool, int]:
    """How much a touch has to say for its step, the most at last."""
    return touch.state == "sent", touch.state == "unknown", touch.key.occurrence


def next_occurrence(enrollment: Enrollment, step: str, *, since: int = 0) -> int:
    """The first occurrence of a step, from `since` on, that no touch has."""
    taken = [t.key.occurrence for t in enrollment.touches if t.key.step == step]
    return max(since, 1 + max(taken, default=-1))


def with_record(enrollment: Enrollment, record: TouchRecord) -> Enrollment:
    """The enrollment with a touch added, or changed in its place."""
    touches = list(enrollment.touches)
    for place, touch in enumerate(touches):
        if touch.key == record.key:
            touches[place] = record
            break
    else:
        touches.append(record)
    return replace(enrollment, touches=tuple(touches))


def without_open(
    enrollment: Enrollment, *, fresh: Collection[TouchKey], at: datetime, reason: str
) -> Enrollment:
    """The enrollment with every open touch cancelled, and without those never told of."""
    touches = tuple(
        replace(t, state="cancelled", at=at, reason=reason) if t.state in OPEN_TOUCH_STATES else t
        for t in enrollment.touches
        if t.key not in fresh
    )
    return replace(enrollment, touches=touches)


def contacts(enrollment: Enrollment, facts: Facts) -> tuple[PastContact, ...]:
    """The person's contacts: those the facts know and this enrollment's own, each once.

    A round and a channel name a touch.
    """
    found: dict[tuple[str, str], PastContact] = {}
    for touch in enrollment.touches:
        if touch.state in MAYBE_SENT and touch.at is not None:
            name = contact_round(enrollment, touch.key)
            found[name, touch.key.channel] = PastContact(
                touch_id=f"{name}:{touch.key.channel}",
                channel=touch.key.channel,
                at=touch.at,
                round=name,
            )
    for contact in facts.contacts:
        found[contact.round, contact.channel] = contact
    return tuple(sorted(found.values(), key=lambda contact: contact.at))
