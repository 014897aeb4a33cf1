"""What providers report of touches: matched, ranked, told.

A report may come before the provider's answer to the call itself: with our ids in its
address it is told at once (and proves the attempt), without them it is parked until the
touch is known to have gone out.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from followup_contracts.events import CallFinished, TouchBounced, TouchDelivered
from followup_contracts.payload import Channel, Payload
from followup_database import Database, Transaction, committed
from followup_directory import Account
from followup_messaging.outbox import Outbox
from followup_people import leads_by_id, mark_contact_point, person_by_address
from followup_replies.addresses import bare, kind_of, match_key
from followup_replies.figures import Figures
from followup_replies.states import (
    CALL_RANKS,
    DELIVERED,
    Heard,
    Report,
    TouchIds,
    call_result,
)
from followup_replies.stops import VENDOR_OPT_OUT, Stop, Stops
from followup_replies.store import callbacks, deliveries, sent
from followup_replies.store.callbacks import Parked
from followup_suppression import AddressHasher, StopFence


class ReportDesk:
    """Takes reports in."""

    def __init__(
        self,
        database: Database,
        *,
        outbox: Outbox,
        hasher: AddressHasher,
        stops: Stops,
        fence: StopFence,
        figures: Figures,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._hasher = hasher
        self._stops = stops
        self._fence = fence
        self._figures = figures

    async def take(self, account: Account, report: Report, *, opted_out: str | None = None) -> None:
        """Take a report in; one that came before changes nothing.

        `opted_out` is the address whose owner told the vendor to stop, where that is
        what the report says; then this returns no earlier than the fence allows.
        """

        async def work(tx: Transaction) -> str:
            ids = await self.whom(tx, account, report.provider_ref, report.ids)
            if not await callbacks.insert(tx, account, report, ids=ids):
                return "repeated"
            if opted_out is not None:
                await self._stop(tx, account, ids, opted_out)
            if ids is None:
                return "parked"
            await self._apply(tx, account.tenant_id, account.channel, ids, report, at=tx.now)
            return "applied"

        fate = await committed(self._database, work)
        self._figures.report(report.kind, fate)
        if opted_out is not None:
            await self._fence.settle(self._fence.moment())

    async def heard(
        self, account: Account, provider_ref: str, planted: TouchIds | None, heard: Heard
    ) -> None:
        """Note who hears a call; of a call that nobody knows nothing is noted."""

        async def work(tx: Transaction) -> None:
            ids = await self.whom(tx, account, provider_ref, planted)
            if ids is not None:
                rank = CALL_RANKS["in_progress"]
                await deliveries.hear(tx, account.tenant_id, ids, heard=heard, rank=rank)

        await committed(self._database, work)

    async def unpark(self, tx: Transaction, several: Sequence[Parked]) -> None:
        """Apply reports whose touches are known by now, in the order they came in."""
        for parked in several:
            await self._apply(
                tx, parked.tenant_id, parked.channel, parked.ids, parked.report, at=parked.at
            )
        await callbacks.match(tx, several)

    async def whom(
        self, tx: Transaction, account: Account, provider_ref: str, planted: TouchIds | None
    ) -> TouchIds | None:
        """Whom a report is about: by what we know went out, else by the ids in its address.

        These are believed only for a lead of the account's tenant: whoever holds an
        account's secret may sign any address.
        """
        if planted is None:
            return await sent.by_ref(tx, account.tenant_id, account.id, provider_ref)
        known = await sent.by_attempt(tx, account.tenant_id, account.id, planted.attempt_id)
        if known is not None:
            return known
        lead = (await leads_by_id(tx, [planted.lead_id])).get(planted.lead_id)
        return planted if lead is not None and lead.tenant_id == account.tenant_id else None

    async def _apply(
        self,
        tx: Transaction,
        tenant_id: UUID,
        channel: Channel,
        ids: TouchIds,
        report: Report,
        *,
        at: datetime,
    ) -> None:
        """Move the attempt up and tell it, unless it stands as high already."""
        if report.rank == 0:
            return
        before, heard = await deliveries.standing(tx, tenant_id, ids.attempt_id)
        moved = await deliveries.advance(tx, tenant_id, ids, state=report.state, rank=report.rank)
        who = report.heard or heard or ("machine" if report.machine else None)
        event = _event(report, ids, channel, heard=who, before=before, at=at)
        if moved and event is not None:
            message = self._outbox.message(
                event, tenant_id=tenant_id, subject=ids.touch_id, time=tx.now
            )
            await self._outbox.add(tx, [message])
        if moved and report.dead is not None:
            await _bury(tx, tenant_id, channel, report.dead)

    async def _stop(
        self, tx: Transaction, account: Account, ids: TouchIds | None, address: str
    ) -> None:
        kind = kind_of(account.channel)
        await self._stops.stop(
            tx,
            Stop(
                tenant_id=account.tenant_id,
                person_id=None if ids is None else ids.person_id,
                channel=account.channel,
                address_hash=self._hasher.hash(kind, bare(account.channel, address)),
                via="vendor",
                reason=VENDOR_OPT_OUT,
                listed=account.channel,
            ),
        )


async def _bury(tx: Transaction, tenant_id: UUID, channel: Channel, address: str) -> None:
    """Nobody is reached at this address any more, on any channel."""
    kind, key = kind_of(channel), match_key(channel, bare(channel, address))
    owner = await person_by_address(tx, tenant_id, kind, key)
    if owner is not None:
        await mark_contact_point(tx, tenant_id, owner, kind=kind, address=key, state="bounced")


def _event(
    report: Report,
    ids: TouchIds,
    channel: Channel,
    *,
    heard: Heard | None,
    before: int,
    at: datetime,
) -> Payload | None:
    """What a report means for the touch, or None when it means nothing yet."""
    about = {
        "touch_id": ids.touch_id,
        "attempt_id": ids.attempt_id,
        "enrollment_id": ids.enrollment_id,
        "lead_id": ids.lead_id,
        "person_id": ids.person_id,
        "channel": channel,
        "provider_ref": report.provider_ref,
        "at": at,
    }
    if report.kind == "call":
        result = call_result(report.state, heard)
        if result is None:
            return None
        return CallFinished(**about, result=result, duration_seconds=report.seconds)
    match report.state:
        case "delivered":
            return TouchDelivered(**about)
        case "read" if before < DELIVERED:
            return TouchDelivered(**about)
        case "undelivered" | "failed" | "canceled":
            code = report.code or report.state
            return TouchBounced(**about, permanent=report.permanent, code=code)
        case _:
            return None
