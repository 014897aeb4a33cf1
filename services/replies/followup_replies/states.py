"""How far a touch has come by its provider's word, whoever the provider is.

States only move up in rank: what is told late, twice or out of order changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal
from uuid import UUID

from followup_contracts.events import CallResult

ReportKind = Literal["message", "call", "other"]
"""`other`: kept as it came, and without effect."""
Heard = Literal["person", "voicemail", "machine"]
"""Who heard our words: a machine that recorded the voicemail text is `voicemail`."""

MESSAGE_RANKS: Mapping[str, int] = MappingProxyType(
    {
        "queued": 1,
        "deferred": 2,
        "sent": 2,
        "delivered": 3,
        "undelivered": 3,
        "failed": 3,
        "canceled": 3,
        "read": 4,
        "opened": 4,
        "clicked": 5,
        "unsubscribed": 6,
        "complained": 6,
    }
)
CALL_RANKS: Mapping[str, int] = MappingProxyType(
    {
        "queued": 1,
        "ringing": 2,
        "in_progress": 3,
        "completed": 4,
        "busy": 4,
        "no_answer": 4,
        "failed": 4,
        "canceled": 4,
    }
)
_RANKS: Mapping[ReportKind, Mapping[str, int]] = MappingProxyType(
    {"message": MESSAGE_RANKS, "call": CALL_RANKS, "other": MappingProxyType({})}
)
DELIVERED = 3
"""From this rank on a message has come to its end. What ranks higher has arrived: nobody
reads, clicks or complains about a message they have not got."""

Said = Literal["opted_out", "complained", "dead", "unreachable"]
"""What a report says of an address: its owner told the vendor to stop, or complained;
nobody has it; this channel does not reach it."""


@dataclass(frozen=True, slots=True)
class AboutAddress:
    """What a report says of an address, whatever became of the message."""

    address: str
    said: Said

    @property
    def stops(self) -> bool:
        """Whether somebody said so who does not want to be written to."""
        return self.said in {"opted_out", "complained"}


@dataclass(frozen=True, slots=True)
class TouchIds:
    """Whom a report is about."""

    touch_id: UUID
    attempt_id: UUID
    enrollment_id: UUID
    lead_id: UUID
    person_id: UUID

    @property
    def of_nobody(self) -> bool:
        """Whether it went to somebody of whom nothing is known: the touch stands for them."""
        return self.lead_id == self.touch_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a provider says about a touch it has accepted.

    `ids` are those that we planted in the callback's address, if they were there;
    `attempt` is what the vendor echoes where it has room for one id only. `permanent`:
    the address can't be reached, now or later. `machine`: no person picked up, by the
    provider's word; `heard` is the same from one that knows our words were said.
    `payload` is what came. `returned_to`: anybody may have written it, for it came as a
    letter, to this address; None for what its provider has signed.
    """

    kind: ReportKind
    provider_ref: str
    state: str
    dedupe_key: str
    payload: Mapping[str, Any]
    ids: TouchIds | None = None
    attempt: UUID | None = None
    code: str | None = None
    permanent: bool = False
    seconds: int = 0
    heard: Heard | None = None
    machine: bool = False
    about: AboutAddress | None = None
    returned_to: str | None = None

    @property
    def rank(self) -> int:
        """0 for a state nobody has told us about yet: kept, and without effect."""
        return _RANKS[self.kind].get(self.state, 0)

    @property
    def order(self) -> tuple[str, int]:
        """By what it is about, then by how far it has come."""
        attempt = self.attempt if self.ids is None else self.ids.attempt_id
        return str(attempt or self.provider_ref), self.rank

    def stored(self) -> dict[str, Any]:
        """What is needed to apply it later.

        What it says of an address, only where that waits for its touch to be believed.
        """
        waits = self.about is not None and self.returned_to is not None
        return {
            "about": [self.about.address, self.about.said] if waits and self.about else None,
            "state": self.state,
            "code": self.code,
            "permanent": self.permanent,
            "seconds": self.seconds,
            "heard": self.heard,
            "machine": self.machine,
        }


def call_result(state: str, heard: Heard | None) -> CallResult | None:
    """What came of a call, or None while it goes on.

    Completed without our having been asked for words: somebody picked up and was gone.
    """
    if state != "completed":
        return _UNHEARD.get(state)
    match heard:
        case "voicemail":
            return "voicemail_left"
        case "machine":
            return "machine"
        case _:
            return "answered"


_UNHEARD: Mapping[str, CallResult] = MappingProxyType(
    {"busy": "busy", "no_answer": "no_answer", "failed": "failed", "canceled": "canceled"}
)
