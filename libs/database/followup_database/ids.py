"""Identifiers: UUIDv7 (RFC 9562), ordered by the millisecond they were made in."""

from datetime import UTC, datetime
from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A fresh UUIDv7 by machine time."""
    return uuid7()


def smallest_id(at: datetime) -> UUID:
    """The lowest UUIDv7 of a moment: the boundary of a partition that begins then."""
    milliseconds = int(at.astimezone(UTC).timestamp() * 1000)
    return UUID(int=milliseconds << 80)


def made_at(id_: UUID) -> datetime | None:
    """When a UUIDv7 was made, by the clock of its maker; None for any other id."""
    if id_.version != 7:  # noqa: PLR2004 - the version
        return None
    try:
        return datetime.fromtimestamp((id_.int >> 80) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None  # a moment beyond year 9999, which nobody's clock shows
