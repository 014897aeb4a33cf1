"""How much a key may still ask for in this minute, counted for all processes together."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from followup_database import Transaction

_RESERVE = text("""
    INSERT INTO directory.key_usage AS u (key_id, tenant_id, minute, used)
    VALUES (:key_id, :tenant_id, date_trunc('minute', clock_timestamp()), :wanted)
    ON CONFLICT (key_id) DO UPDATE
        SET used = excluded.used
                + CASE WHEN u.minute >= excluded.minute THEN LEAST(u.used, :most) ELSE 0 END,
            minute = GREATEST(u.minute, excluded.minute)
    RETURNING used,
        extract(epoch FROM minute + interval '1 minute' - clock_timestamp())::float AS left
""")


@dataclass(frozen=True, slots=True)
class Allowance:
    """Requests granted out of this minute, what is left of it beside them, and until when."""

    granted: int
    remaining: int
    seconds: float


async def reserve_requests(
    tx: Transaction, tenant_id: UUID, key_id: UUID, *, most: int, wanted: int
) -> Allowance:
    """Reserve up to `wanted` of the `most` requests a key has in a minute of machine time."""
    row = await tx.first(
        _RESERVE, key_id=key_id, tenant_id=tenant_id, most=most, wanted=min(wanted, most)
    )
    if row is None:
        raise LookupError("an upsert returned no row")
    before = row["used"] - min(wanted, most)
    granted = max(0, min(wanted, most - before))
    return Allowance(granted, max(0, most - before - granted), max(0.0, row["left"]))
