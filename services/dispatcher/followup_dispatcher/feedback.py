"""Callbacks as the ledger sees them: proof that an attempt was accepted."""

from collections.abc import Sequence

from followup_contracts.envelope import Message
from followup_contracts.events import CallFinished, TouchBounced, TouchDelivered
from followup_database import Transaction
from followup_dispatcher import answers, ledger
from followup_dispatcher.ledger import Settlement
from followup_messaging.outbox import Outbox


class FeedbackHandler:
    """Settles attempts a vendor reports on before, or instead of, answering the call."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    async def __call__(self, tx: Transaction, messages: Sequence[Message]) -> None:
        """A vendor that reports on an attempt has accepted it; settled ones stay as they are."""
        seen = {}
        for message in messages:
            data = message.data
            if isinstance(data, TouchDelivered | TouchBounced | CallFinished):
                seen[data.attempt_id] = Settlement(
                    data.touch_id,
                    data.attempt_id,
                    "accepted",
                    "callback",
                    provider_ref=data.provider_ref,
                    tenant_id=message.tenant_id,
                )
        moved = await ledger.settle(tx, list(seen.values()))
        await self._outbox.add(
            tx, [answers.event(e, answers.sent(e), tx.now) for e in moved.values()]
        )
