"""What a service is to the process that runs it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from fastapi import APIRouter

from followup_runtime.loops import Runner

Ready = Callable[[], Awaitable[str | None]]
"""None when the service can work, else why not in a few words."""


async def always_ready() -> str | None:
    """For a service that needs nothing of its own."""
    return None


async def nothing_to_close() -> None:
    """For a service that holds nothing open."""


def nothing_pending() -> int:
    """For a service that keeps nothing in memory."""
    return 0


def nothing_to_nudge() -> None:
    """For a service in which nothing waits for a business moment."""


@dataclass(frozen=True, slots=True)
class Service:
    """The parts of a service, built by its wiring and run by `process` or by a host.

    `runners` stop first; `finishers` (the outbox's relay) go on until the runners have
    ended, then flush. `body_limits` raise or lower the 1 MiB allowed to a request's
    body, by the longest prefix of its path, `time_limits` the 30 s until it is answered;
    of bodies under `raw_bodies` the service itself makes sure that they are text it can
    store. `own_repeats` are paths of POSTs that see to `Idempotency-Key` themselves or read
    streams. `close` is called last, in reverse order of services. `pending` counts what it
    holds in memory and has not finished: 0 in every service of a process means that
    nothing moves until a timer or a request comes.
    """

    name: str
    router: APIRouter
    runners: Sequence[Runner] = ()
    finishers: Sequence[Runner] = ()
    ready: Ready = always_ready
    close: Callable[[], Awaitable[None]] = nothing_to_close
    pending: Callable[[], int] = nothing_pending
    nudge: Callable[[], None] = nothing_to_nudge
    body_limits: Mapping[str, int] = field(default_factory=dict)
    time_limits: Mapping[str, float] = field(default_factory=dict)
    raw_bodies: Sequence[str] = ()
    own_repeats: Sequence[str] = ()
