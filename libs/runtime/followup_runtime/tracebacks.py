"""Tracebacks for logs: where it happened and what it was, never what the database quoted.

A database error's text holds values: the row it stumbled over (`DETAIL: Failing row
contains …`), the word it could not read. Its type, its SQLSTATE and the frames find the
fault as well.
"""

import traceback
from collections.abc import Iterator
from types import TracebackType

import asyncpg
from sqlalchemy.exc import StatementError

_DATABASE = (StatementError, asyncpg.PostgresError, asyncpg.InterfaceError)

_CAUSE = "The above exception was the direct cause of the following exception:\n"
_CONTEXT = "During handling of the above exception, another exception occurred:\n"

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def render(exc_info: ExcInfo) -> str:
    """The traceback as Python prints it; texts of database errors left out, quoted ones too."""
    error = exc_info[1]
    chain = list(_all(error, set()))
    quoted = [text for each in chain if isinstance(each, _DATABASE) for text in _texts(each)]
    if not any(isinstance(each, _DATABASE) for each in chain):
        return "".join(traceback.format_exception(*exc_info)).rstrip("\n")
    return "".join(_lines(error, quoted, set())).rstrip("\n")


def summary(error: BaseException) -> str:
    """An exception in a few words: a database error's type and SQLSTATE, any other as it is."""
    if isinstance(error, _DATABASE):
        state = sqlstate(error)
        return f"{_name(error)} [{state}]" if state else _name(error)
    text = str(error)
    return f"{_name(error)}: {text}" if text else _name(error)


def sqlstate(error: BaseException) -> str | None:
    """The SQLSTATE of a database error (PostgreSQL, appendix A), as far as it has one."""
    found = getattr(getattr(error, "orig", error), "sqlstate", None)
    return found if isinstance(found, str) else None


def _all(error: BaseException, seen: set[int]) -> Iterator[BaseException]:
    """An exception, what it came from and what it groups."""
    if id(error) in seen:
        return
    seen.add(id(error))
    yield error
    around = (error.__cause__, error.__context__, getattr(error, "orig", None))
    inside = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    for each in (*around, *inside):
        if isinstance(each, BaseException):
            yield from _all(each, seen)


def _lines(error: BaseException, quoted: list[str], seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None and id(before) not in seen:
        yield from _lines(before, quoted, seen)
        yield f"\n{_CAUSE if error.__cause__ is not None else _CONTEXT}\n"
    if error.__traceback__ is not None:
        yield "Traceback (most recent call last):\n"
        yield from traceback.format_tb(error.__traceback__)
    text = str(error)
    told = not any(each in text for each in quoted)
    yield f"{summary(error) if told or isinstance(error, _DATABASE) else _name(error)}\n"
    for each in error.exceptions if isinstance(error, BaseExceptionGroup) else ():
        if id(each) not in seen:
            yield "\nGrouped in the above exception:\n\n"
            yield from _lines(each, quoted, seen)


def _texts(error: BaseException) -> Iterator[str]:
    """What must not be said of a database error, as somebody else may have quoted it."""
    for text in (str(error), str(error.args[0]) if error.args else ""):
        if text:
            yield text


def _name(error: BaseException) -> str:
    kind = type(error)
    return (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )
