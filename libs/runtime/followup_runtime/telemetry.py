"""Trace ids (W3C Trace Context, version 00), carried by context through tasks and logs."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import structlog

_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_current: ContextVar[str | None] = ContextVar("followup_traceparent", default=None)


def new_traceparent() -> str:
    """A fresh trace, sampled."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def is_traceparent(text: str) -> bool:
    """Whether a text is a traceparent that may be carried on."""
    return _TRACEPARENT.fullmatch(text) is not None


def trace_id(traceparent: str) -> str:
    """The 32 hex digits that all parts of a trace share."""
    return traceparent.split("-")[1]


def current_traceparent() -> str | None:
    """The traceparent of what is being worked on, for messages it gives rise to."""
    return _current.get()


@contextmanager
def bind(traceparent: str | None) -> Iterator[str]:
    """Work under this trace, or a fresh one where there is none or it is malformed."""
    mine = traceparent if traceparent and is_traceparent(traceparent) else new_traceparent()
    token = _current.set(mine)
    try:
        with structlog.contextvars.bound_contextvars(trace_id=trace_id(mine)):
            yield mine
    finally:
        _current.reset(token)
