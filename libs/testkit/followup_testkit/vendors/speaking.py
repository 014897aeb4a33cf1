"""What a stand-in hears and says, whatever vendor it plays."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came over the wire; header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        """The body as a form; of a repeated field the last value."""
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


@dataclass(frozen=True, slots=True)
class Told:
    """An answer: a JSON body, or none."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kept:
    """A message that was accepted: the vendor's id for it, and how it was asked for."""

    ref: str
    asked: Asked


@dataclass(frozen=True, slots=True)
class Say:
    """A fault: answer with one of the vendor's own refusals; nothing is accepted."""

    accepted = False
    what: Literal["refused", "opted_out", "crowded", "broken"]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a vendor speaks.

    `takes` says whether a request is a message for it; `proven` whether it carries the
    credentials. `attempt` reads our planted id. `took` answers an accepted message,
    `refusals` the rest. `record` answers a look-up from what was accepted, by our attempt;
    None: it is none.
    """

    vendor: str
    channel: str
    takes: Callable[[Asked], bool]
    proven: Callable[[Asked], bool]
    attempt: Callable[[Asked], str | None]
    took: Callable[[Asked, str], Told]
    refusals: Mapping[str, Told]
    unproven: Told
    record: Callable[[Asked, Mapping[str, Kept]], Told | None] = lambda _asked, _held: None
