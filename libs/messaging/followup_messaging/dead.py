"""Dead letters: what a consumer could not handle, kept with its error to be worked on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import text

from followup_contracts import Message, Unreadable, decode
from followup_contracts.topology import COMMANDS, exchange_of
from followup_database import Transaction, new_id
from followup_messaging.identity import identify

State = Literal["open", "replayed", "dropped"]

_COLUMNS = "id, tenant_id, consumer, queue, message_id, type, routing_key, body, error, state, at"

_BURY = text("""
    INSERT INTO messaging.dead
      (id, tenant_id, consumer, queue, message_id, type, routing_key, body, error)
    SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:tenants AS uuid[]), CAST(:consumers AS text[]),
                         CAST(:queues AS text[]), CAST(:messages AS uuid[]), CAST(:types AS text[]),
                         CAST(:keys AS text[]), CAST(:bodies AS bytea[]), CAST(:errors AS text[]))
    ON CONFLICT (message_id, consumer) WHERE state = 'open'
    DO UPDATE SET error = excluded.error, body = excluded.body, at = clock_timestamp()
""")
_LIST = text(f"""
    SELECT {_COLUMNS} FROM messaging.dead
     WHERE state = :state
       AND (CAST(:consumer AS text) IS NULL OR consumer = :consumer)
       AND (CAST(:type AS text) IS NULL OR type = :type)
       AND (CAST(:tenant AS uuid) IS NULL OR tenant_id = :tenant)
       AND (CAST(:after AS uuid) IS NULL OR id > :after)
     ORDER BY id LIMIT :limit
""")
_RAW = text(f"""
    SELECT {_COLUMNS} FROM messaging.dead WHERE tenant_id = :tenant AND type = :type ORDER BY id
""")
_FORGET = text("DELETE FROM messaging.dead WHERE id = ANY(CAST(:ids AS uuid[]))")
_SHOW = text(f"SELECT {_COLUMNS} FROM messaging.dead WHERE id = :id")
_LOCK_OPEN = text(f"""
    SELECT {_COLUMNS} FROM messaging.dead
     WHERE id = ANY(CAST(:ids AS uuid[])) AND state = 'open'
     ORDER BY id FOR UPDATE
""")
_CLOSE = text("""
    UPDATE messaging.dead SET state = :state
     WHERE id = ANY(CAST(:ids AS uuid[])) AND state = 'open'
""")
# A handler that buried its message itself has noted it as handled.
_NOT_HANDLED = text("""
    DELETE FROM messaging.inbox i
     USING unnest(CAST(:messages AS uuid[]), CAST(:consumers AS text[])) AS r(message_id, consumer)
     WHERE i.message_id = r.message_id AND i.consumer = r.consumer
""")
# Two replays of one message at once must see each other's rows.
_ONE_REPLAY = text("SELECT pg_advisory_xact_lock(hashtext('messaging.replay'))")
_STILL_OUT = text("SELECT id FROM messaging.outbox WHERE id = ANY(CAST(:ids AS uuid[]))")
_PUBLISH_AGAIN = text("""
    INSERT INTO messaging.outbox AS o
      (id, tenant_id, type, exchange, routing_key, consumers, body, next_at)
    SELECT id, tenant_id, type, exchange, key, string_to_array(consumers, ','), body,
           clock_timestamp()
      FROM unnest(CAST(:ids AS uuid[]), CAST(:tenants AS uuid[]), CAST(:types AS text[]),
                  CAST(:exchanges AS text[]), CAST(:keys AS text[]), CAST(:consumers AS text[]),
                  CAST(:bodies AS bytea[]))
        AS m(id, tenant_id, type, exchange, key, consumers, body)
    ON CONFLICT (id) DO UPDATE
       SET exchange = excluded.exchange, routing_key = excluded.routing_key,
           consumers = ARRAY(SELECT DISTINCT unnest(o.consumers || excluded.consumers)),
           next_at = clock_timestamp()
""")


@dataclass(frozen=True, slots=True)
class Burial:
    """What is to be kept of a message that could not be handled."""

    consumer: str
    queue: str
    routing_key: str
    body: bytes
    error: str
    message_id: UUID | None = None
    tenant_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message with the consumer that could not handle it and why."""

    id: UUID
    tenant_id: UUID | None
    consumer: str
    queue: str
    message_id: UUID | None
    type: str | None
    routing_key: str
    body: bytes
    error: str
    state: State
    at: datetime


@dataclass(frozen=True, slots=True)
class Which:
    """Letters of a state, of one consumer, message type or tenant if named; all otherwise."""

    consumer: str | None = None
    message_type: str | None = None
    tenant_id: UUID | None = None
    state: State = "open"


@dataclass(frozen=True, slots=True)
class Replay:
    """Which letters are on their way again, and why each of the others is not."""

    replayed: tuple[UUID, ...]
    refused: dict[UUID, str]


async def bury(tx: Transaction, burials: Sequence[Burial]) -> None:
    """Keep these. A message buried before and still open is one letter, with the newer error."""
    latest = {(b.message_id or number, b.consumer): b for number, b in enumerate(burials)}
    rows = list(latest.values())
    if not rows:
        return
    await tx.run(
        _BURY,
        ids=[new_id() for _ in rows],
        tenants=[row.tenant_id for row in rows],
        consumers=[row.consumer for row in rows],
        queues=[row.queue for row in rows],
        messages=[row.message_id for row in rows],
        types=[identify(row.body).type for row in rows],
        keys=[row.routing_key for row in rows],
        bodies=[row.body for row in rows],
        errors=[row.error.replace("\x00", "\\0") for row in rows],
    )


async def list_dead(
    tx: Transaction, which: Which | None = None, *, after: UUID | None = None, limit: int = 100
) -> list[DeadLetter]:
    """Letters from the oldest on, past `after` (a page's last id); open ones unless said."""
    which = which or Which()
    rows = await tx.all(
        _LIST,
        state=which.state,
        consumer=which.consumer,
        type=which.message_type,
        tenant=which.tenant_id,
        after=after,
        limit=limit,
    )
    return [DeadLetter(**row) for row in rows]


async def show(tx: Transaction, id: UUID) -> DeadLetter | None:  # noqa: A002 - it is one
    """One letter, in whatever state."""
    row = await tx.first(_SHOW, id=id)
    return None if row is None else DeadLetter(**row)


async def raw_letters(tx: Transaction, tenant_id: UUID, message_type: str) -> list[DeadLetter]:
    """Every letter of a tenant and type, in whatever state."""
    rows = await tx.all(_RAW, tenant=tenant_id, type=message_type)
    return [DeadLetter(**row) for row in rows]


async def forget(tx: Transaction, ids: Sequence[UUID]) -> int:
    """Delete letters: whoever they are about is to be forgotten."""
    return await tx.run(_FORGET, ids=list(ids)) if ids else 0


async def replay(tx: Transaction, ids: Sequence[UUID]) -> Replay:
    """Give open letters to their own consumer again, through the outbox.

    A running service's sweeper publishes them within a second or so of the commit.
    One that still cannot be read, or is not open, is refused and stays as it is.
    """
    await tx.run(_ONE_REPLAY)
    rows = await tx.all(_LOCK_OPEN, ids=list(ids))
    letters = [DeadLetter(**row) for row in rows]
    refused = dict.fromkeys(set(ids) - {letter.id for letter in letters}, "no open dead letter")
    readable: list[tuple[DeadLetter, Message]] = []
    for letter in letters:
        try:
            readable.append((letter, decode(letter.body)))
        except Unreadable as error:
            refused[letter.id] = str(error)
    if readable:
        await tx.run(
            _NOT_HANDLED,
            messages=[message.id for _, message in readable],
            consumers=[letter.consumer for letter, _ in readable],
        )
        await _publish_again(tx, readable)
        await tx.run(_CLOSE, ids=[letter.id for letter, _ in readable], state="replayed")
    return Replay(tuple(letter.id for letter, _ in readable), refused)


async def _publish_again(tx: Transaction, letters: Sequence[tuple[DeadLetter, Message]]) -> None:
    by_message: dict[UUID, list[tuple[DeadLetter, Message]]] = {}
    for letter, message in letters:
        by_message.setdefault(message.id, []).append((letter, message))
    out = {row["id"] for row in await tx.all(_STILL_OUT, ids=list(by_message))}
    rows = [_again(group, shared=id_ in out) for id_, group in by_message.items()]
    await tx.run(
        _PUBLISH_AGAIN,
        ids=[row.message.id for row in rows],
        tenants=[row.message.tenant_id for row in rows],
        types=[row.message.type for row in rows],
        exchanges=[row.exchange for row in rows],
        keys=[row.routing_key for row in rows],
        consumers=[",".join(row.consumers) for row in rows],
        bodies=[row.body for row in rows],
    )


@dataclass(frozen=True, slots=True)
class _Again:
    message: Message
    exchange: str
    routing_key: str
    consumers: tuple[str, ...]
    body: bytes


def _again(group: Sequence[tuple[DeadLetter, Message]], *, shared: bool) -> _Again:
    """Straight to the consumer's queue; by its exchange if other services need it too.

    A command leaves no inbox row, so nobody is waited for: confirmed is done.
    """
    letter, message = group[0]
    exchange = exchange_of(message.data)
    consumers = () if exchange == COMMANDS else tuple(sorted({each.consumer for each, _ in group}))
    if shared or len(consumers) > 1:
        return _Again(message, exchange, message.routing_key, consumers, letter.body)
    return _Again(message, "", letter.queue, consumers, letter.body)


async def drop(tx: Transaction, ids: Sequence[UUID]) -> int:
    """Give open letters up for good; how many there were."""
    return await tx.run(_CLOSE, ids=list(ids), state="dropped")
