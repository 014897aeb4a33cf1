"""`message.updated`: what becomes of messages that people of the tenant wrote."""

from collections.abc import Sequence

from followup_contracts import Message
from followup_contracts.events import MessageUpdated
from followup_database import Transaction
from followup_replies.store import written


async def keep_progress(tx: Transaction, messages: Sequence[Message]) -> None:
    """Keep these, in the order in which they happened; old news changes nothing."""
    several = [(message.tenant_id, _update(message)) for message in messages]
    for tenant_id, update in sorted(several, key=lambda pair: (pair[1].message_id, pair[1].at)):
        await written.update(
            tx,
            tenant_id,
            update.message_id,
            state=update.state,
            rule=update.rule,
            reason=update.reason,
            not_before=update.not_before,
            at=update.at,
        )


def _update(message: Message) -> MessageUpdated:
    if not isinstance(message.data, MessageUpdated):
        raise TypeError(f"{message.type} is not for this handler")
    return message.data
