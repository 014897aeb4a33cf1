"""What a run leaves behind for the checker: the provider's ledger, what was acknowledged,
what the public API tells, and what was done to which process when."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

from followup_contracts.payload import Channel
from followup_policy.zones import Place

LeadKind = Literal["steady", "quiet", "capped"]

OPEN_FAULTS = frozenset(
    {
        "error_before",
        "error_after",
        "cut_before",
        "cut_after",
        "silence_before",
        "silence_after",
        "half_body",
        "garbled",
    }
)
"""What leaves the caller without knowing whether its request was accepted."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A request at the provider, by its own ledger."""

    touch: str | None
    attempt: str | None
    channel: Channel
    to: str
    sid: str | None
    first_byte: datetime
    answered: datetime | None = None
    hung_up: bool = False
    fault: str | None = None
    peer: int | None = None

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> "Taken":
        """A line of the ledger."""
        answered = told["answered"]
        return cls(
            **{
                **told,
                "first_byte": datetime.fromisoformat(told["first_byte"]),
                "answered": None if answered is None else datetime.fromisoformat(answered),
            }
        )

    @property
    def accepted(self) -> bool:
        """Whether the provider took it."""
        return self.sid is not None

    @property
    def left_open(self) -> bool:
        """Whether the provider left its caller without knowing."""
        return self.fault in OPEN_FAULTS or self.hung_up


@dataclass(frozen=True, slots=True)
class Lead:
    """A lead whose acceptance was acknowledged."""

    lead_id: str
    kind: LeadKind
    phone: str
    place: Place


@dataclass(frozen=True, slots=True)
class Word:
    """Something a person wrote; `acknowledged` is when the 2xx to its webhook was read."""

    phone: str
    body: str
    stop: bool
    acknowledged: datetime | None


@dataclass(frozen=True, slots=True)
class Disruption:
    """A process killed, or frozen until a moment; `peers` are its ports at the provider."""

    kind: Literal["kill", "freeze"]
    name: str
    at: datetime
    until: datetime
    peers: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Told:
    """What the public API tells of a lead when all is done."""

    timeline: Sequence[Mapping[str, Any]]
    enrollments: Sequence[Mapping[str, Any]]
    conversation: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Evidence:
    """Everything the checker reads. `left` holds what should be zero at the end, by name."""

    checked: datetime
    leads: Sequence[Lead] = ()
    ledger: Sequence[Taken] = ()
    words: Sequence[Word] = ()
    disruptions: Sequence[Disruption] = ()
    told: Mapping[str, Told] = field(default_factory=dict)
    attempts: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    left: Mapping[str, float] = field(default_factory=dict)
    clients: Mapping[str, int] = field(default_factory=dict)
    """What clients met, counted by what they wanted and what came of it."""

    @cached_property
    def accepted(self) -> frozenset[str]:
        """Touches that the provider has accepted."""
        return frozenset(t.touch for t in self.ledger if t.accepted and t.touch is not None)

    @cached_property
    def by_attempt(self) -> Mapping[str, Taken]:
        """Requests by the attempt they were made for."""
        return {t.attempt: t for t in self.ledger if t.attempt is not None}

    @cached_property
    def wrote(self) -> frozenset[str]:
        """Phones whose owners wrote anything, acknowledged or not."""
        return frozenset(word.phone for word in self.words)

    @cached_property
    def enrollment_of(self) -> Mapping[str, str]:
        """Enrollments by their touches."""
        return {
            touch["id"]: enrollment["id"]
            for told in self.told.values()
            for enrollment in told.enrollments
            for touch in enrollment["touches"]
        }


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise broken: which one, by whom, how."""

    rule: str
    subject: str
    text: str
