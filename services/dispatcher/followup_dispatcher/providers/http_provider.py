"""A vendor that takes one HTTP request a message, told by what is its own.

What is the same for all of them is here: one request and never another, reading the
answer, and asking about the past with the vendor's settling time.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from followup_contracts.channels import Channel
from followup_dispatcher.providers.http_answers import Codes, accepted, not_accepted
from followup_dispatcher.providers.http_body import Body
from followup_dispatcher.providers.http_line import HttpLine, Reply
from followup_dispatcher.providers.machine_clock import Clock, machine_clock
from followup_dispatcher.providers.port import (
    CALL_LIMIT,
    Absent,
    Answer,
    Call,
    Finding,
    Found,
    PastAttempt,
    Refused,
    RetryLater,
    Undecided,
)


@dataclass(frozen=True, slots=True)
class Request:
    """A message as the vendor wants it."""

    path: str
    body: Body
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Question:
    """Where the vendor's record of an attempt is asked for."""

    path: str
    query: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Lookup:
    """How a vendor is asked about an attempt: the question, and what its answer shows.

    `shown` gets a 2xx answer: the attempt is there, it is not, or the answer can't tell.
    `missing` are the statuses by which the vendor says that there is no such record.
    `kept` is how long it certainly holds one: later its absence means nothing.
    """

    question: Callable[[PastAttempt], Question]
    shown: Callable[[Reply, PastAttempt], Found | Absent | Undecided]
    settling: timedelta
    kept: timedelta = timedelta(days=1)
    line: HttpLine | None = None
    missing: frozenset[int] = frozenset()


class Dialect(Protocol):
    """What is a vendor's own: pure, but for what its factory was given."""

    name: str
    channel: Channel
    codes: Codes

    def request(self, call: Call) -> Request | Refused:
        """The message, or why this vendor could never carry it."""

    def taken(self, reply: Reply, call: Call) -> Answer:
        """What a 2xx answer says."""

    def turned_away(self, reply: Reply) -> Refused | RetryLater | None:
        """What the vendor documents of another answer beyond its codes; None: nothing."""
        del reply  # most document nothing beyond their codes
        return None


class HttpProvider:
    """An account at such a vendor."""

    def __init__(
        self,
        dialect: Dialect,
        line: HttpLine,
        *,
        lookup: Lookup | None = None,
        clock: Clock = machine_clock,
    ) -> None:
        self.name = dialect.name
        self.channel = dialect.channel
        self.settling = None if lookup is None else lookup.settling
        self._dialect = dialect
        self._line = line
        self._lookup = lookup
        self._clock = clock

    async def warm(self) -> None:
        """Open a connection outside any lease."""
        await self._line.warm()

    async def send(self, call: Call) -> Answer:
        """One POST, never repeated."""
        request = self._dialect.request(call)
        if isinstance(request, Refused):
            return request
        reply = await self._line.post(
            request.path, request.body, time_left=call.time_left, headers=request.headers
        )
        if not isinstance(reply, Reply):
            return reply
        if accepted(reply.status):
            return self._dialect.taken(reply, call)
        return self._dialect.turned_away(reply) or not_accepted(reply, self._dialect.codes)

    async def find(self, attempt: PastAttempt) -> Finding:
        """Ask for the vendor's record; absence counts once it has settled."""
        lookup = self._lookup
        if lookup is None:
            return Undecided(f"{self.name} cannot be asked about an attempt")
        asked = lookup.question(attempt)
        reply = await (lookup.line or self._line).get(asked.path, asked.query)
        if not isinstance(reply, Reply):
            return Undecided("the record cannot be read now")
        found: Finding = Undecided("the record cannot be read now")
        if reply.status in lookup.missing:
            found = Absent()
        elif accepted(reply.status):
            found = lookup.shown(reply, attempt)
        if isinstance(found, Absent):
            age = self._now() - attempt.started_at
            if age < timedelta(seconds=CALL_LIMIT) + lookup.settling:
                return Undecided("the record is not settled yet")
            if age > lookup.kept:
                return Undecided("the record may not reach back so far")
        return found

    async def close(self) -> None:
        """Close the connections."""
        await self._line.close()
        if self._lookup is not None and self._lookup.line is not None:
            await self._lookup.line.close()

    def _now(self) -> datetime:
        return self._clock()
