"""What providers report of touches: matched, ranked, told.

A report may come before the provider's answer to the call itself: with our ids in its
address it is told at once (and proves the attempt), without them it is parked until the
touch is known to have gone out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from followup_contracts.events import CallFinished, TouchBounced, TouchDelivered
from followup_contracts.payload import Channel, Payload
from followup_database import Transaction
from followup_directory import Account
from followup_messaging.outbox import Outbox
from followup_people import leads_by_id, mark_contact_point, person_by_address, same_person
from followup_replies.addresses import bare, kind_of, match_key
from followup_replies.figures import Figures
from followup_replies.states import (
    CALL_RANKS,
    DELIVERED,
    AboutAddress,
    Heard,
    Report,
    TouchIds,
    call_result,
)
from followup_replies.stops import COMPLAINT, VENDOR_OPT_OUT, Stop, Stops
from followup_replies.store import callbacks, deliveries, sent
from followup_replies.store.callbacks import Parked
from followup_suppression import AddressHasher, suppress
from followup_suppression.returning import ReturnTags, tag_of


class ReportDesk:
    """Takes reports in."""

    def __init__(
        self,
        *,
        outbox: Outbox,
        hasher: AddressHasher,
        stops: Stops,
        figures: Figures,
        tags: ReturnTags,
    ) -> None:
        self._outbox = outbox
        self._tags = tags
        self._hasher = hasher
        self._stops = stops
        self._figures = figures

    async def take(self, tx: Transaction, account: Account, report: Report) -> None:
        """Take a report in; one that came before changes nothing.

        What it says of an address counts at once, whether its touch is known or not; in a
        letter, which anybody may write, only of an address that one of ours went to.
        """
        report = self._named(report)
        ids = await self.whom(tx, account, report)
        fate = await self._taken(tx, account, report, ids)
        tx.after_commit(lambda: self._figures.report(report.kind, fate))

    async def _taken(
        self, tx: Transaction, account: Account, report: Report, ids: TouchIds | None
    ) -> str:
        if not await callbacks.insert(tx, account, report, ids=ids):
            return "repeated"
        place = _Place(account.tenant_id, account.channel, account.provider)
        await self._heed(tx, place, report, ids)
        if report.kind == "other":
            return "kept"
        if ids is None:
            return "parked"
        await self._apply(tx, account.tenant_id, account.channel, ids, report, at=tx.now)
        return "applied"

    def _named(self, report: Report) -> Report:
        """A letter's report about the attempt that the return path it came to names."""
        tag = None if report.returned_to is None else tag_of(report.returned_to)
        attempt = None if tag is None else self._tags.read(tag.lower())
        return report if attempt is None else replace(report, attempt=attempt)

    async def heard(self, tx: Transaction, account: Account, report: Report, heard: Heard) -> None:
        """Note who hears a call; of a call that nobody knows nothing is noted."""
        ids = await self.whom(tx, account, report)
        if ids is not None:
            rank = CALL_RANKS["in_progress"]
            await deliveries.hear(tx, account.tenant_id, ids, heard=heard, rank=rank)

    async def unpark(self, tx: Transaction, several: Sequence[Parked]) -> None:
        """Apply reports whose touches are known by now, in the order they came in."""
        for parked in several:
            place = _Place(parked.tenant_id, parked.channel, parked.provider)
            await self._heed(tx, place, parked.report, parked.ids)
            await self._apply(
                tx, parked.tenant_id, parked.channel, parked.ids, parked.report, at=parked.at
            )
        await callbacks.match(tx, several)

    async def whom(self, tx: Transaction, account: Account, report: Report) -> TouchIds | None:
        """Whom a report is about: by what we know went out, else by the ids in its address.

        These are believed only for a lead of the account's tenant: whoever holds an
        account's secret may sign any address.
        """
        tenant_id, planted = account.tenant_id, report.ids
        attempt = report.attempt if planted is None else planted.attempt_id
        known = None
        if attempt is not None:
            known = await sent.by_attempt(tx, tenant_id, account.id, attempt)
        if known is None and planted is None and report.provider_ref:
            known = await sent.by_ref(tx, tenant_id, account.id, report.provider_ref)
        if known is not None or planted is None:
            return known
        lead = (await leads_by_id(tx, [planted.lead_id])).get(planted.lead_id)
        return planted if lead is not None and lead.tenant_id == tenant_id else None

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
        if report.machine and report.state == "in_progress" and heard is None:
            # Told before the end, which need not say it again.
            await deliveries.hear(tx, tenant_id, ids, heard="machine", rank=report.rank)
        event = _event(report, ids, channel, heard=who, before=before, at=at)
        if moved and event is not None:
            message = self._outbox.message(
                event, tenant_id=tenant_id, subject=ids.touch_id, time=tx.now
            )
            await self._outbox.add(tx, [message])

    async def _heed(
        self,
        tx: Transaction,
        at: "_Place",
        report: Report,
        ids: TouchIds | None,
    ) -> None:
        """Do what follows for the address itself, if that is believed."""
        about, channel = report.about, at.channel
        if about is None or not await _believed(tx, at, report, ids, about):
            return
        kind, address = kind_of(channel), bare(channel, about.address)
        owner = await _owner(tx, at, ids, address)
        hashed = self._hasher.hash(kind, address)
        if about.stops:
            stop = Stop(
                tenant_id=at.tenant_id,
                person_id=owner,
                channel=channel,
                address_hash=hashed,
                via="vendor",
                reason=COMPLAINT if about.said == "complained" else VENDOR_OPT_OUT,
                listed=channel,
            )
            await self._stops.stop(tx, stop)
            return
        if about.said == "dead" and owner is not None:
            # Nobody is reached there any more, on any channel.
            key = match_key(channel, address)
            await mark_contact_point(
                tx, at.tenant_id, owner, kind=kind, address=key, state="bounced"
            )
        await suppress(
            tx,
            at.tenant_id,
            [(kind, channel, hashed)],
            reason=report.code or about.said,
            via=f"provider:{at.provider}",
        )


@dataclass(frozen=True, slots=True)
class _Place:
    """Whose report it is, and what it came by."""

    tenant_id: UUID
    channel: Channel
    provider: str


async def _believed(
    tx: Transaction,
    at: _Place,
    report: Report,
    ids: TouchIds | None,
    about: AboutAddress,
) -> bool:
    """Whether what a report says of an address is believed.

    Who got one of our letters knows its name, and may forge a report about it: that stops
    their own address, and nobody else's.
    """
    if report.returned_to is None:
        return True
    if ids is None:
        return False
    key = match_key(at.channel, bare(at.channel, about.address))
    owner = await person_by_address(tx, at.tenant_id, kind_of(at.channel), key)
    names = (await same_person(tx, [ids.person_id])).get(ids.person_id, frozenset())
    return owner is not None and owner in names | {ids.person_id}


async def _owner(tx: Transaction, at: _Place, ids: TouchIds | None, address: str) -> UUID | None:
    """Whose address it is; the person of the touch, where it is nobody's by now.

    Who got a confirmation without being known has none.
    """
    kind, key = kind_of(at.channel), match_key(at.channel, address)
    owner = await person_by_address(tx, at.tenant_id, kind, key)
    return owner or (None if ids is None or ids.of_nobody else ids.person_id)


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
        case "read" | "opened" | "clicked" | "unsubscribed" | "complained" if before < DELIVERED:
            return TouchDelivered(**about)
        case "undelivered" | "failed" | "canceled":
            code = report.code or report.state
            return TouchBounced(**about, permanent=report.permanent, code=code)
        case _:
            return None
