"""`touch.sent | touch.unknown`: what went out, so that what comes back finds whom it is about.

Of a touch whose fate is unknown the ids are kept: a vendor that echoes the attempt's alone
may prove that it went out.
"""

from collections.abc import Sequence
from uuid import UUID

from followup_contracts import Message
from followup_contracts.events import TouchSent, TouchUnknown
from followup_database import Transaction
from followup_replies.reports import ReportDesk
from followup_replies.store import callbacks, sent
from followup_replies.store.sent import SentTouch


class SentTouches:
    """Keeps touches that went out, and applies the reports that were there before them."""

    def __init__(self, reports: ReportDesk) -> None:
        self._reports = reports

    async def handle(self, tx: Transaction, messages: Sequence[Message]) -> None:
        """Keep these, and tell what was parked for them."""
        several = [_sent(message) for message in messages]
        await sent.insert(tx, several)
        waiting = await callbacks.parked_for(tx, [touch.attempt_id for touch in several])
        await self._reports.unpark(tx, waiting)


def _sent(message: Message) -> SentTouch:
    data = message.data
    if isinstance(data, TouchUnknown):
        return _unknown(message.tenant_id, data)
    if not isinstance(data, TouchSent):
        raise TypeError(f"{message.type} is not for this handler")
    return SentTouch(
        attempt_id=data.attempt_id,
        tenant_id=message.tenant_id,
        touch_id=data.touch_id,
        enrollment_id=data.enrollment_id,
        lead_id=data.lead_id,
        person_id=data.person_id,
        channel=data.channel,
        account_id=data.account_id,
        provider=data.provider,
        provider_ref=data.provider_ref,
        sender=data.sender,
        at=data.at,
    )


def _unknown(tenant_id: UUID, data: TouchUnknown) -> SentTouch:
    return SentTouch(
        attempt_id=data.attempt_id,
        tenant_id=tenant_id,
        touch_id=data.touch_id,
        enrollment_id=data.enrollment_id,
        lead_id=data.lead_id,
        person_id=data.person_id,
        channel=data.channel,
        account_id=None,
        provider=None,
        provider_ref=None,
        sender=None,
        at=data.at,
    )
