"""What can go wrong with the database.

DatabaseError
├── MissingDatabase     the server answers, but it does not hold our schemas
└── NotCommitted        a statement failed and its error was swallowed: all was rolled back

Everything that means "the server cannot be reached now" stays the driver's own
exception; `is_outage` recognises all of them.
"""

import asyncpg
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout


class DatabaseError(Exception):
    """The root of this package's exceptions."""


class MissingDatabase(DatabaseError):
    """The schemas are not there or are older than the code; `followup migrate` makes them."""


class NotCommitted(DatabaseError):
    """The server answered COMMIT with a rollback: nothing of the transaction happened."""


_OUTAGES = (
    ConnectionError,
    OSError,
    TimeoutError,
    PoolTimeout,
    asyncpg.CannotConnectNowError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.TooManyConnectionsError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
)

# PostgreSQL, appendix A: serialization failure, deadlock detected, lock not available
_CONFLICTS = frozenset({"40001", "40P01", "55P03"})


def is_conflict(error: BaseException) -> bool:
    """Whether it was another transaction's doing, so that trying again is no try."""
    if isinstance(error, BaseExceptionGroup):
        return all(map(is_conflict, error.exceptions))
    return _sqlstate(error) in _CONFLICTS


def is_outage(error: BaseException) -> bool:
    """Whether the database was unreachable, rather than the work being wrong.

    Callers wait and try again on an outage; nothing of the transaction happened,
    or, where the commit itself was cut off, the caller's idempotency has to tell.
    A group is one when all of it is.
    """
    if isinstance(error, BaseExceptionGroup):
        return all(map(is_outage, error.exceptions))
    if isinstance(error, DBAPIError):
        if error.connection_invalidated or isinstance(error, InterfaceError):
            return True
        if isinstance(error, OperationalError) and error.orig is None:
            return True
        cause = error.orig.__cause__ if error.orig is not None else None
        return isinstance(cause, _OUTAGES) or isinstance(error.orig, _OUTAGES)
    return isinstance(error, _OUTAGES)


# read_only_sql_transaction (a failover under way), insufficient_resources (disk, memory,
# connections)
_PASSING = ("25006", "53")


def is_passing(error: BaseException) -> bool:
    """Whether the same work may succeed in a while: an outage, a conflict, a full disk."""
    if isinstance(error, BaseExceptionGroup):
        return all(map(is_passing, error.exceptions))
    if is_outage(error) or is_conflict(error):
        return True
    return _sqlstate(error).startswith(_PASSING)


def _sqlstate(error: BaseException) -> str:
    """The state of a statement that failed; while connecting, SQLAlchemy wraps it."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    known = isinstance(error, DBAPIError | asyncpg.PostgresError)
    return str(getattr(cause, "sqlstate", None) or "") if known else ""
