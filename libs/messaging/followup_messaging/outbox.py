"""Messages out: committed with the change they tell of, published after its commit.

An event's row stays until every service that the registry names for its type has
handled it (an inbox row) or given it up (a dead letter); one that has not after 30 s is
published again, then more and more rarely (every 5 min in the end). So a broker that is
wiped costs seconds, not messages.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from followup_contracts import Message, encode
from followup_contracts.payload import Payload
from followup_contracts.registry import CONSUMERS
from followup_contracts.topology import exchange_of
from followup_database import Database, Transaction, new_id
from followup_messaging.port import TOGETHER, Bus, Outgoing
from followup_messaging.relay import Parcel, Relay
from followup_messaging.sweeper import REPUBLISH_AFTER, Sweeper
from followup_runtime.telemetry import current_traceparent

# Bound as one JSON-free array per column: bodies are bytes. The consumers of a type
# are the same for all its rows, so they travel joined by commas. What a followed tenant's
# product is told of is kept for it by the same statement.
_ADD = text("""
    WITH m AS (
      SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:tenants AS uuid[]), CAST(:types AS text[]),
                  CAST(:exchanges AS text[]), CAST(:keys AS text[]), CAST(:consumers AS text[]),
                  CAST(:bodies AS bytea[]))
        WITH ORDINALITY AS m(id, tenant_id, type, exchange, routing_key, consumers, body, nth)),
    kept AS (
      INSERT INTO messaging.outbox
        (id, tenant_id, type, exchange, routing_key, consumers, body, next_at)
      SELECT id, tenant_id, type, exchange, routing_key, string_to_array(consumers, ','), body,
             clock_timestamp() + CAST(:again AS interval)
        FROM m)
    INSERT INTO messaging.feed (tenant_id, body)
    SELECT m.tenant_id, m.body FROM m JOIN messaging.followed f ON f.tenant_id = m.tenant_id
     ORDER BY m.nth
""")


@dataclass(frozen=True, slots=True)
class _Post:
    """A message with where it goes and who must have handled it."""

    message: Message
    outgoing: Outgoing
    consumers: frozenset[str]


class Outbox:
    """The way out of one service. `service` becomes the source of its messages.

    `relay` publishes and is run until the end of the process, after everything that
    adds messages; `sweeper` publishes again what nobody handled in `republish_after`.
    """

    def __init__(
        self,
        service: str,
        bus: Bus,
        database: Database,
        *,
        republish_after: timedelta = REPUBLISH_AFTER,
    ) -> None:
        self.service = service
        self._republish_after = republish_after
        self.relay = Relay(service, bus, database)
        self.sweeper = Sweeper(
            service, bus, database, relay=self.relay, republish_after=republish_after
        )

    def message(
        self,
        data: Payload,
        *,
        tenant_id: UUID,
        subject: UUID | str,
        time: datetime,
        id: UUID | None = None,  # noqa: A002 - CloudEvents calls it so
        traceparent: str | None = None,
    ) -> Message:
        """A message from this service: a fresh id and the present trace unless given."""
        return Message.of(
            data,
            id=id or new_id(),
            tenant_id=tenant_id,
            source=self.service,
            subject=subject,
            time=time,
            traceparent=traceparent or current_traceparent(),
        )

    async def add(self, tx: Transaction, messages: Sequence[Message]) -> None:
        """Commit events with this transaction, in one statement; published after its commit.

        Their loss is impossible once the transaction has committed.
        """
        if not messages:
            return
        posts = [_post(message) for message in messages]
        await tx.run(
            _ADD,
            again=self._republish_after,
            ids=[post.message.id for post in posts],
            tenants=[post.message.tenant_id for post in posts],
            types=[post.message.type for post in posts],
            exchanges=[post.outgoing.exchange for post in posts],
            keys=[post.outgoing.routing_key for post in posts],
            consumers=[",".join(sorted(post.consumers)) for post in posts],
            bodies=[post.outgoing.body for post in posts],
        )
        parcels = [
            Parcel(p.outgoing, p.message.tenant_id, stored=True, awaited=bool(p.consumers))
            for p in posts
        ]
        tx.after_commit(lambda: self.relay.hand_over(parcels))

    def command(self, tx: Transaction, messages: Iterable[Message]) -> None:
        """Publish commands after this transaction's commit, best effort.

        One that reaches no queue is dropped with a line in the log: its touch is
        commanded again by whoever waits for the answer.
        """
        parcels = [
            Parcel(
                _outgoing(message, mandatory=True), message.tenant_id, stored=False, awaited=False
            )
            for message in messages
        ]
        if parcels:
            tx.after_commit(lambda: self.relay.hand_over(parcels))


def _post(message: Message) -> _Post:
    consumers = CONSUMERS.get(message.type, frozenset())
    return _Post(message, _outgoing(message, mandatory=bool(consumers)), consumers)


def _outgoing(message: Message, *, mandatory: bool) -> Outgoing:
    return Outgoing(
        message.id,
        exchange_of(message.data),
        message.routing_key,
        encode(message),
        mandatory,
        together=TOGETHER[exchange_of(message.data)],
    )
