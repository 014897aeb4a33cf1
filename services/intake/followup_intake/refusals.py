"""What intake refuses of the ingress: kept as dead letters, with the reason."""

from collections.abc import Sequence

from followup_contracts import Message, encode
from followup_database import Transaction
from followup_messaging import dead


async def bury(tx: Transaction, refused: Sequence[tuple[Message, str]]) -> None:
    """Keep these messages with why they were refused."""
    await dead.bury(
        tx,
        [
            dead.Burial(
                consumer="intake",
                queue="intake.ingress",
                routing_key=message.routing_key,
                body=encode(message),
                error=reason,
                message_id=message.id,
                tenant_id=message.tenant_id,
            )
            for message, reason in refused
        ],
    )
