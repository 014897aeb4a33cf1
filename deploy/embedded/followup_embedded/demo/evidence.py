"""What the judge of the demo is shown: what went out, to whom, and what they had said."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Sending:
    """One entry of the sandbox with the touch it belongs to. `at` is business time, UTC."""

    touch_id: UUID
    enrollment_id: UUID
    person_id: UUID
    channel: str
    at: datetime
    round: str
    text: str


@dataclass(frozen=True, slots=True)
class Word:
    """What a person said about consent: `channel` may be "any", `state` yes, no or unknown."""

    at: datetime
    channel: str
    state: str


@dataclass(frozen=True, slots=True)
class Human:
    """Whom the leads of the file came to, with everything known about where they are."""

    id: UUID
    country: str | None
    state: str | None
    postal_code: str | None
    phones: tuple[str, ...]
    asked: bool
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class PhoneCall:
    """How a call ended, as the telephone at the other end knows it."""

    enrollment_id: UUID
    result: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Silence:
    """From `since` (its answer) nothing may begin for this person, until `until` or for good."""

    person_id: UUID
    since: datetime
    why: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fate:
    """Where an enrollment or a touch has ended. `what` is enrollment, touch, lead or message."""

    what: str
    id: UUID
    state: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """All of it."""

    sendings: Sequence[Sending]
    humans: Sequence[Human]
    calls: Sequence[PhoneCall] = ()
    silences: Sequence[Silence] = ()
    fates: Sequence[Fate] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that was broken, by which touch, and how."""

    rule: str
    touch_id: UUID
    person_id: UUID
    told: str
