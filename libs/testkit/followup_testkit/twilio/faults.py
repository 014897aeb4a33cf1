"""What the stand-in may be told to do with a request instead of plainly accepting it."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Accept:
    """201, after `after` seconds; in the ledger from the start."""

    accepted: ClassVar[bool] = True
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class Refuse:
    """An error of the vendor's own form; nothing is accepted."""

    accepted: ClassVar[bool] = False
    code: int = 21211
    status: int = 400
    message: str = "Invalid 'To' Phone Number"


@dataclass(frozen=True, slots=True)
class TooMany:
    """429, code 20429; nothing is accepted."""

    accepted: ClassVar[bool] = False
    retry_after: int | None = None


@dataclass(frozen=True, slots=True)
class ServerError:
    """A 5xx, with the request accepted or not: the caller cannot tell."""

    accepted: bool = False
    status: int = 500


@dataclass(frozen=True, slots=True)
class CutBefore:
    """The connection breaks once the request was read; nothing is accepted."""

    accepted: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class CutAfter:
    """The connection breaks in place of the answer; the request is accepted."""

    accepted: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class HalfBody:
    """201 and half of its body, then the connection breaks; the request is accepted."""

    accepted: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Garbled:
    """201 and a body that is no JSON; the request is accepted."""

    accepted: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Silence:
    """No answer until `StubProvider.release`, or for `seconds`; accepted or not, as told."""

    accepted: bool = True
    seconds: float | None = None


Fault = (
    Accept | Refuse | TooMany | ServerError | CutBefore | CutAfter | HalfBody | Garbled | Silence
)
