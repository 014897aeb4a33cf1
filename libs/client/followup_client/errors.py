"""What goes wrong between a product and Followup.

FollowupError
├── Refused           an answer other than success, as problem details (RFC 9457)
│   ├── NotAllowed    401, 403: the key is not known, or lacks the scope
│   ├── NotFound      404, 410
│   ├── Conflict      409
│   ├── Invalid       any other 4xx: the request has to change
│   ├── TooMany       429, after as many tries as patience allows
│   └── Failed        5xx, after as many tries as are safe
├── Unreachable       no answer; `begun` says whether the request may have been carried out
├── Unreadable        an answer this version of the client cannot read
├── CutOff            a batch ended before every lead had its answer
├── NotConfirmed      the broker has not confirmed a message: publish it again, same id
├── TooLarge          a message is longer than Followup reads
└── NotGenuine        a webhook that was not signed by who knows the secret, or not now
"""

from dataclasses import dataclass
from uuid import UUID


class FollowupError(Exception):
    """Anything this package raises on purpose."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a request, and where.

    `pointer` is a JSON pointer into the body (`/phone`), `?limit` for a query parameter,
    `{lead_id}` for a part of the path, `Idempotency-Key:` for a header.
    """

    pointer: str
    detail: str


class Refused(FollowupError):
    """An answer other than success; RFC 9457's members are its attributes."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: str | None = None,
        *,
        faults: tuple[Fault, ...] = (),
        type: str = "about:blank",  # noqa: A002 - RFC 9457 calls it so
        retry_after: float | None = None,
    ) -> None:
        place = f" ({faults[0].pointer})" if faults else ""
        super().__init__(f"{status} {title}{place}" + (f": {detail}" if detail else ""))
        self.status = status
        self.title = title
        self.detail = detail
        self.faults = faults
        self.type = type
        self.retry_after = retry_after

    @property
    def pointer(self) -> str | None:
        """Where the first thing is that is wrong; None if the answer does not say."""
        return self.faults[0].pointer if self.faults else None


class NotAllowed(Refused):
    """401 or 403: the key is not known, or lacks the scope."""


class NotFound(Refused):
    """404 or 410: there is none of this tenant, or no more."""


class Conflict(Refused):
    """409: it is in a state in which this cannot be done."""


class Invalid(Refused):
    """Any other 4xx: the same request again would be refused again."""


class TooMany(Refused):
    """429: the key has asked more often than its limit; `retry_after` is in seconds."""


class Failed(Refused):
    """5xx: it may have been carried out or not."""


class Unreachable(FollowupError):
    """No answer came. `begun`: the request may have been carried out."""

    def __init__(self, why: str, *, begun: bool) -> None:
        super().__init__(why)
        self.begun = begun


class Unreadable(FollowupError):
    """An answer this version of the client cannot read."""


class CutOff(FollowupError):
    """A batch ended early; `answered` leads of it have had their answer."""

    def __init__(self, answered: int, why: str) -> None:
        super().__init__(f"after {answered} answers: {why}")
        self.answered = answered


class NotConfirmed(FollowupError):
    """The broker has not confirmed a message; publishing it again under its id is safe."""

    def __init__(self, message_id: UUID, why: str) -> None:
        super().__init__(f"message {message_id}: {why}")
        self.message_id = message_id


class TooLarge(FollowupError):
    """A message is longer than Followup reads."""


class NotGenuine(FollowupError):
    """A webhook to be answered 403 and not believed."""
