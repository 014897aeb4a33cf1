"""What a provider adapter is: one call out, one of five answers back.

The ledger stands on the difference between *refused*, *retry later* (both: the vendor
certainly did not accept), *unknown* (it may have), and *not begun* (not a byte of the
request was handed to the socket). An adapter that is not certain says unknown.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from followup_contracts.channels import Channel

CALL_LIMIT = 8.0
"""Seconds after which a call is cut off; its outcome is then unknown."""


@dataclass(frozen=True, slots=True)
class Content:
    """A rendered touch. `voicemail` is what a machine is told (voice only).

    `template` is a form that the vendor has approved, as `name/language`, to be sent in
    place of the free text. `return_tag` is a letter's own mark for its return path, by which
    a bounce finds the attempt.
    """

    text: str
    subject: str | None = None
    html: str | None = None
    voicemail: str | None = None
    template: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    return_tag: str | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One attempt, ready to go out.

    `callback_url` is where the vendor reports states, with touch and attempt in its
    query, or None where nobody can be called back. `valid_for` bounds a vendor's own
    queueing, so that a message never comes out of it inside quiet hours.
    `time_left()` is what remains of the claim's lease in seconds: the first byte must
    be handed over before it is 0, and it bounds connecting and waiting for a pool.
    """

    attempt_id: UUID
    touch_id: UUID
    tenant_id: UUID
    channel: Channel
    to: str
    sender: str
    content: Content
    callback_url: str | None
    valid_for: timedelta | None
    time_left: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Accepted:
    """The vendor has it. `ref` is its own id."""

    ref: str | None
    segments: int = 1


@dataclass(frozen=True, slots=True)
class Refused:
    """The vendor will never send this. `suppress`: the address itself is at fault."""

    code: str
    reason: str
    suppress: bool = False


@dataclass(frozen=True, slots=True)
class RetryLater:
    """Certainly not accepted, and may be tried again.

    `after` is the vendor's own word (Retry-After) or None. `account_wide` says that
    the account, not this touch, is at fault: its breaker opens. `crowded` says that the
    account has been asked for too much at once: nothing is wrong with the touch, and the
    next would be told the same. `broken` says that a person has to mend the account.
    """

    code: str
    reason: str
    after: timedelta | None = None
    account_wide: bool = False
    crowded: bool = False
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """A byte went out and no answer tells whether it was accepted."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotBegun:
    """Nothing was handed over: no connection, no pool slot, or no lease left.

    `ours`: the lease ran out before the vendor had a part in it, which says nothing
    about the account.
    """

    reason: str
    ours: bool = False


Answer = Accepted | Refused | RetryLater | Unknown | NotBegun


@dataclass(frozen=True, slots=True)
class PastAttempt:
    """What the ledger knows of an attempt whose outcome is open.

    `started_at` is machine time: it is compared with the vendor's dates.
    """

    attempt_id: UUID
    touch_id: UUID
    to: str
    sender: str
    text: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Found:
    """The vendor's record shows it."""

    ref: str | None


@dataclass(frozen=True, slots=True)
class Absent:
    """The vendor's record, past its settling time, does not hold it."""


@dataclass(frozen=True, slots=True)
class Undecided:
    """The vendor could not be asked, or its record is not settled yet."""

    reason: str


Finding = Found | Absent | Undecided


class Provider(Protocol):
    """An account at a vendor, for one channel. Safe to call concurrently."""

    name: str
    channel: Channel
    settling: timedelta | None
    """How long the vendor's record needs before absence means anything; None: it can't be asked."""

    async def warm(self) -> None:
        """Open a connection outside any lease; failing to is not an error."""

    async def send(self, call: Call) -> Answer:
        """Make the attempt; never raises for what a vendor or network does."""

    async def find(self, attempt: PastAttempt) -> Finding:
        """Ask the vendor whether it accepted an attempt; never raises either."""

    async def close(self) -> None:
        """Let go of connections."""


class ProviderFactory(Protocol):
    """Makes an adapter from an account's settings and unsealed secrets.

    Raises `ValueError` naming the setting that is missing or wrong.
    """

    def __call__(self, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Provider:
        """Make it; nothing is connected yet."""
