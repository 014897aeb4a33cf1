"""Templates: immutable bodies found by the hash of what they say; callers may cache them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import text

from followup_contracts.payload import Channel
from followup_database import Transaction
from followup_database.engine import to_json

_PUT = text("""
    INSERT INTO directory.templates (tenant_id, hash, channel, body, person_id)
    SELECT :tenant_id, r.hash, r.channel, r.body, CAST(:person_id AS uuid)
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(hash text, channel text, body jsonb)
    ORDER BY r.hash
    ON CONFLICT (tenant_id, hash) DO NOTHING
""")
_TEMPLATES = text("""
    SELECT t.tenant_id, t.hash, t.channel, t.body
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(tenant_id uuid, hash text)
    JOIN directory.templates t ON t.tenant_id = r.tenant_id AND t.hash = r.hash
""")
# What only a message by hand has (`Written.body`), `written` and, before there was that, the
# others: words of a sequence's touch are still needed when it is due, however old they are.
_WORDS = text("""
    SELECT hash, person_id, created_at FROM directory.templates
    WHERE tenant_id = :tenant_id AND person_id IS NOT NULL AND created_at < :before
        AND body ?| ARRAY['written', 'account', 'sender', 'thread', 'address', 'stranger',
                          'confirms', 'answers']
        AND (created_at, hash) > (CAST(:at AS timestamptz), :hash)
    ORDER BY created_at, hash LIMIT :most
""")
_FORGET_CONFIRMATIONS = text("""
    DELETE FROM directory.templates WHERE (tenant_id, hash) IN (
        SELECT tenant_id, hash FROM directory.templates
        WHERE person_id IS NOT NULL AND body ? 'answers'
            AND created_at < clock_timestamp() - CAST(:after AS interval)
        ORDER BY created_at LIMIT :most
    )
""")
_FORGET = text("""
    DELETE FROM directory.templates
    WHERE tenant_id = :tenant_id AND hash = ANY(CAST(:hashes AS text[]))
        AND person_id IS NOT NULL
""")


@dataclass(frozen=True, slots=True)
class Template:
    """A message to be rendered. `body`: `text`, perhaps `subject`, `html`, `voicemail`."""

    hash: str
    channel: Channel
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Words:
    """That a message by hand is kept for whoever sends it, and since when (machine time)."""

    hash: str
    person_id: UUID
    created_at: datetime


_EVER = datetime.min.replace(tzinfo=UTC)


def template_hash(
    channel: Channel, body: Mapping[str, Any], *, person_id: UUID | None = None
) -> str:
    """SHA-256, in hex, of channel and body as JSON with sorted keys, and whose it is."""
    whose = [] if person_id is None else [str(person_id)]
    canonical = orjson.dumps([channel, dict(body), *whose], option=orjson.OPT_SORT_KEYS)
    return sha256(canonical).hexdigest()


async def put_templates(
    tx: Transaction,
    tenant_id: UUID,
    bodies: Sequence[tuple[Channel, Mapping[str, Any]]],
    *,
    person_id: UUID | None = None,
) -> list[str]:
    """Keep these bodies; returns their hashes in the order given. Again is no harm.

    With `person_id` they are words for that person alone, and are erased with them.
    """
    hashes = [template_hash(channel, body, person_id=person_id) for channel, body in bodies]
    rows = {
        hashed: {"hash": hashed, "channel": channel, "body": dict(body)}
        for hashed, (channel, body) in zip(hashes, bodies, strict=True)
    }
    await tx.run(_PUT, tenant_id=tenant_id, rows=to_json(list(rows.values())), person_id=person_id)
    return hashes


async def templates(
    tx: Transaction, wanted: Sequence[tuple[UUID, str]]
) -> dict[tuple[UUID, str], Template]:
    """Templates by (tenant, hash), in one statement; unknown ones are left out."""
    rows = [{"tenant_id": tenant, "hash": hashed} for tenant, hashed in set(wanted)]
    return {
        (row["tenant_id"], row["hash"]): Template(row["hash"], row["channel"], row["body"])
        for row in await tx.all(_TEMPLATES, rows=to_json(rows))
    }


async def words_before(
    tx: Transaction, tenant_id: UUID, before: datetime, *, after: Words | None, most: int
) -> list[Words]:
    """Messages by hand that were kept before that moment, behind `after`, oldest first.

    No words for one person that a sequence's touch says.
    """
    rows = await tx.all(
        _WORDS,
        tenant_id=tenant_id,
        before=before,
        at=_EVER if after is None else after.created_at,
        hash="" if after is None else after.hash,
        most=most,
    )
    return [Words(**row) for row in rows]


async def forget_confirmations(tx: Transaction, *, after: timedelta, most: int) -> int:
    """Delete confirmations that old (machine time) of any tenant: sent by then, or never."""
    return await tx.run(_FORGET_CONFIRMATIONS, after=after, most=most)


async def forget_words(tx: Transaction, tenant_id: UUID, hashes: Collection[str]) -> int:
    """Delete words for one person that nobody needs any more (worker's transaction)."""
    return await tx.run(_FORGET, tenant_id=tenant_id, hashes=sorted(hashes)) if hashes else 0
