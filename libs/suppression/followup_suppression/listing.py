"""The suppression list: addresses nobody may be reached at.

A listing is for one channel or for `all`. It is lifted by its owner's own word and
never deleted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import text

from followup_contracts.channels import Channel
from followup_database import Row, Transaction
from followup_database.engine import to_json
from followup_suppression.hashing import Kind

SuppressedChannel = Channel | Literal["all"]
Entry = tuple[Kind, SuppressedChannel, bytes]
"""Kind of address, channel, hash."""

_SUPPRESS = text("""
    INSERT INTO suppression.list AS l
        (tenant_id, kind, channel, hash, reason, via, listed_at)
    SELECT :tenant_id, r.kind, r.channel, decode(r.hash, 'hex'), :reason, :via, :now
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(kind text, channel text, hash text)
    ORDER BY r.hash, r.channel
    ON CONFLICT (tenant_id, hash, channel) DO UPDATE
        SET reason = excluded.reason, via = excluded.via, listed_at = excluded.listed_at,
            lifted_at = NULL, lifted_via = NULL
        WHERE l.lifted_at IS NOT NULL
""")

_LIFT = text("""
    WITH locked AS (
        SELECT l.tenant_id, l.hash, l.channel
        FROM suppression.list l
        JOIN unnest(CAST(:hashes AS bytea[]), CAST(:channels AS text[])) AS r(hash, channel)
          ON l.hash = r.hash AND l.channel = r.channel
        WHERE l.tenant_id = :tenant_id AND l.hash = ANY(CAST(:hashes AS bytea[]))
          AND l.lifted_at IS NULL
        ORDER BY l.hash, l.channel
        FOR UPDATE OF l
    )
    UPDATE suppression.list l SET lifted_at = :now, lifted_via = :via
    FROM locked
    WHERE l.tenant_id = locked.tenant_id AND l.hash = locked.hash
      AND l.channel = locked.channel AND l.lifted_at IS NULL
""")

_LISTINGS = text("""
    SELECT kind, channel, hash, reason, via, listed_at FROM suppression.list
    WHERE tenant_id = :tenant_id AND lifted_at IS NULL AND hash = ANY(CAST(:hashes AS bytea[]))
    ORDER BY hash, channel
""")

_TAKE_OVER = text("""
    INSERT INTO suppression.list AS l
        (tenant_id, kind, channel, hash, reason, via, listed_at)
    SELECT :heir, kind, channel, hash, reason, via, listed_at
    FROM suppression.list
    WHERE tenant_id = :former AND lifted_at IS NULL
    ORDER BY hash, channel
    ON CONFLICT (tenant_id, hash, channel) DO NOTHING
""")

_PAGE = text("""
    SELECT kind, channel, hash, reason, via, listed_at FROM suppression.list
    WHERE tenant_id = :tenant_id AND lifted_at IS NULL
      AND (hash, channel) > (CAST(:hash AS bytea), CAST(:channel AS text))
    ORDER BY hash, channel
    LIMIT :most
""")


@dataclass(frozen=True, slots=True)
class Listing:
    """A standing entry of the list."""

    kind: Kind
    channel: SuppressedChannel
    hash: bytes
    reason: str
    via: str
    listed_at: datetime


async def suppress(
    tx: Transaction, tenant_id: UUID, entries: Sequence[Entry], *, reason: str, via: str
) -> int:
    """List addresses; returns how many were not listed before.

    One that is listed already keeps its first reason. The caller answers whoever
    asked for it only after `StopFence.settle`.
    """
    return await tx.run(
        _SUPPRESS,
        tenant_id=tenant_id,
        rows=_rows(entries),
        reason=reason,
        via=via,
        now=tx.now,
    )


async def lift(tx: Transaction, tenant_id: UUID, entries: Sequence[Entry], *, via: str) -> int:
    """Lift exactly the listings named (`all` is lifted by `all`); returns how many stood."""
    return await tx.run(
        _LIFT,
        tenant_id=tenant_id,
        hashes=[hashed for _, _, hashed in entries],
        channels=[channel for _, channel, _ in entries],
        via=via,
        now=tx.now,
    )


async def listings(tx: Transaction, tenant_id: UUID, hashes: Sequence[bytes]) -> list[Listing]:
    """What stands against these addresses, of any channel."""
    rows = await tx.all(_LISTINGS, tenant_id=tenant_id, hashes=list(hashes))
    return [_listing(row) for row in rows]


async def page_of_listings(
    tx: Transaction, tenant_id: UUID, *, after: Listing | None, most: int
) -> list[Listing]:
    """Up to `most` standing listings behind `after`, ordered by hash and channel."""
    rows = await tx.all(
        _PAGE,
        tenant_id=tenant_id,
        hash=b"" if after is None else after.hash,
        channel="" if after is None else after.channel,
        most=most,
    )
    return [_listing(row) for row in rows]


async def take_over_listings(tx: Transaction, *, former: UUID, heir: UUID) -> int:
    """List for one tenant whoever another may not write to; how many (worker's transaction).

    For who comes back as a new tenant: what people said to them holds.
    """
    return await tx.run(_TAKE_OVER, former=former, heir=heir)


def _rows(entries: Sequence[Entry]) -> str:
    # One row per key: an upsert may not meet the same one twice in a statement.
    unique = {(hashed, channel): kind for kind, channel, hashed in entries}
    return to_json(
        [
            {"kind": kind, "channel": channel, "hash": hashed.hex()}
            for (hashed, channel), kind in unique.items()
        ]
    )


def _listing(row: Row) -> Listing:
    return Listing(
        kind=row["kind"],
        channel=row["channel"],
        hash=row["hash"],
        reason=row["reason"],
        via=row["via"],
        listed_at=row["listed_at"],
    )
