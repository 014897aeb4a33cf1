"""A request as a value, and how its answer is read: the same for both clients.

Modules such as `leads` make calls, `Followup` and `AsyncFollowup` carry them out. So each
route stands in one place, and both clients know all of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import quote
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError

from followup_client.errors import Unreadable

Service = Literal["intake", "scheduler", "dispatcher", "replies"]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Id = UUID | str

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
M = TypeVar("M", bound=BaseModel)

_IDEMPOTENT = frozenset({"GET", "PUT", "DELETE"})  # RFC 9110, section 9.2.2


class Seen(BaseModel):
    """Something Followup answered; members that this version does not know are left out."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Given(BaseModel):
    """Something that is sent; a misspelt member is refused here already."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Page(Seen, Generic[T]):
    """A stretch of a list; `next` is the cursor of what follows."""

    items: tuple[T, ...]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer."""

    status: int
    content: bytes


@dataclass(frozen=True, slots=True)
class Call(Generic[T_co]):
    """A request to one service. `seconds`: how long its answer may take, if longer than usual.

    `again`: carried out twice it is as if once, though its method does not say so. The
    same call sent twice has the same `Idempotency-Key`, if it has one. `cursor`: the parameter
    by which a list goes on.
    """

    service: Service
    method: Method
    path: str
    read: Callable[[Answer], T_co]
    params: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Path | None = None
    again: bool = False
    seconds: float | None = None
    cursor: str = "cursor"

    @property
    def repeatable(self) -> bool:
        """Whether it may be tried again when nobody knows whether it was carried out."""
        return self.again or self.method in _IDEMPOTENT

    def behind(self, cursor: str) -> "Call[T_co]":
        """The same of the following page."""
        return replace(self, params={**self.params, self.cursor: cursor})


def at(*parts: Id) -> str:
    """A path of these segments, whatever characters they hold."""
    return "".join(f"/{quote(str(part), safe='')}" for part in ("v1", *parts))


def asked(**params: Any) -> dict[str, Any]:
    """Query parameters, without those that are None."""
    return {name: _text(value) for name, value in params.items() if value is not None}


def _text(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def model(cls: type[M]) -> Callable[[Answer], M]:
    """A reader of answers that are this; it raises `Unreadable`."""

    def read(answer: Answer) -> M:
        try:
            return cls.model_validate_json(answer.content)
        except ValidationError as error:
            raise _unreadable(cls.__name__, error) from None

    return read


def nothing(answer: Answer) -> None:
    """A reader of answers that only say that it was done."""
    del answer


def json_body(given: BaseModel) -> bytes:
    """A model as JSON: what was set, null where it was set to None."""
    return given.model_dump_json(exclude_unset=True).encode()


JSON: Mapping[str, str] = {"Content-Type": "application/json"}


def _unreadable(what: str, error: ValidationError) -> Unreadable:
    first = error.errors(include_input=False, include_url=False)[0]
    pointer = "".join(f"/{part}" for part in first["loc"])
    return Unreadable(f"{what}: {pointer}: {first['msg']}")
