"""What a vendor of webhooks is: a check of the signature, a reading, and an answer.

The rest is the same for all of them: whose account it is, the limits, the one
transaction, the fence. So nothing is read before it is known to be genuine, and nothing
kept.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson
from starlette.responses import Response

from followup_directory import Account
from followup_replies.inbound import Inbound
from followup_replies.states import Report

BODY_BYTES = 64 * 1024
"""A text has 1,600 characters; most webhooks are smaller than this."""
EVENT_BYTES = 1024 * 1024
"""Vendors that gather events send some hundred at once."""
MAIL_BYTES = 8 * 1024 * 1024
"""A letter with what is attached to it."""

Arrival = Inbound | Report
"""What a webhook may bring."""


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook as it was asked; nothing of it is believed yet.

    `url` is what the vendor asked, to the letter. Header names are in lower case. `at` is
    machine time: vendors' clocks know nothing of business time.
    """

    kind: str
    method: str
    url: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    account: Account
    secrets: Mapping[str, str]
    at: datetime

    @property
    def media_type(self) -> str:
        """The content type without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def setting(self, name: str) -> str | None:
        """A setting of the account that is a text, or None."""
        value = self.account.settings.get(name)
        return value if isinstance(value, str) and value else None


@dataclass(frozen=True, slots=True)
class Genuine:
    """It is the vendor's own.

    `once` names it where the signature does not cover the body: a second webhook with
    the same word is a replay, whatever it brings. It is remembered for `remembered`.
    """

    once: str | None = None
    remembered: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Forged:
    """It is not, or nobody can tell: no secret, no signature, too old. `why` is for the log."""

    why: str


@dataclass(frozen=True, slots=True)
class Unchecked:
    """What it takes to tell is out of reach at the moment: the vendor is to come again."""

    why: str


Checked = Genuine | Forged | Unchecked


Greeting = Response | Unchecked | None


async def no_greeting(_hook: Hook) -> Greeting:
    """For vendors that do not ask whether anybody is here."""
    return None


def nothing_said(_hook: Hook, _answers: Sequence[str | None]) -> Response:
    """For vendors that only look at the status."""
    return Response(status_code=204)


def well(_hook: Hook, _answers: Sequence[str | None]) -> Response:
    """For vendors whose documents ask for a 200 and no other."""
    return Response(status_code=200)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """A vendor's webhooks.

    `check` says whether one is genuine. `greet` answers handshakes, after the check; None
    goes on, `Unchecked` has the vendor come again. `read` says what a genuine one brings,
    or raises `Unfit`: what it does not know it keeps as a report of kind `other`. `answer`
    is what the vendor expects, given what each message is answered with at once. `seconds`
    is how long the vendor waits; `unfit` the status after which it does not come again
    with what cannot be read.
    """

    name: str
    check: Callable[[Hook], Awaitable[Checked]]
    read: Callable[[Hook], Awaitable[Sequence[Arrival]]]
    answer: Callable[[Hook, Sequence[str | None]], Response] = nothing_said
    greet: Callable[[Hook], Awaitable[Greeting]] = no_greeting
    kinds: frozenset[str] = frozenset({"inbound", "status", "events"})
    methods: frozenset[str] = frozenset({"POST"})
    body_bytes: int = EVENT_BYTES
    seconds: float = 10.0
    unfit: int = 422


@dataclass(frozen=True, slots=True)
class Vendors:
    """The vendors there are, by name."""

    table: Mapping[str, Vendor] = field(default_factory=dict)

    @classmethod
    def of(cls, *several: Vendor) -> "Vendors":
        """These."""
        return cls({vendor.name: vendor for vendor in several})

    @property
    def body_limits(self) -> dict[str, int]:
        """How large a body may be, by the beginning of the path."""
        return {f"/hooks/{name}/": vendor.body_bytes for name, vendor in self.table.items()}


def xml(body: str) -> Response:
    """An answer in XML."""
    return Response(f'<?xml version="1.0" encoding="UTF-8"?>{body}', media_type="text/xml")


def json(value: Any) -> Response:
    """An answer in JSON."""
    return Response(orjson.dumps(value), media_type="application/json")
