"""Stop and start: the list, consent and the events about both, in the caller's transaction.

Whoever calls answers only after `StopFence.settle`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from followup_contracts import Message
from followup_contracts.channels import CHANNELS, Channel, channels_of
from followup_contracts.events import ContactOptedIn, ContactOptedOut
from followup_database import Transaction
from followup_messaging.outbox import Outbox
from followup_people import ConsentStatement, record_consent
from followup_replies.addresses import kind_of
from followup_replies.figures import Figures
from followup_suppression import SuppressedChannel, lift, listings, place_hold, suppress

OPT_OUT = "opt_out"
"""Why an address is listed whose owner said stop."""
VENDOR_OPT_OUT = "vendor_opt_out"
"""The same, where only the vendor heard it."""
COMPLAINT = "complaint"
"""Why one is listed whose owner called a message spam."""

Via = Channel | Literal["link", "api", "vendor"]

_OWN_WORD = {(OPT_OUT, "sms"), (OPT_OUT, "voice"), (VENDOR_OPT_OUT, "vendor")}
"""Listings that START takes back: never a complaint, a bounce or what somebody else listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Somebody is not to be reached any more.

    `listed`: the channels of the list; `all` stands for every channel of the address.
    `consent`: whether it is the person's own word and so withdraws consent too.
    """

    tenant_id: UUID
    person_id: UUID | None
    channel: Channel
    address_hash: bytes
    via: Via
    reason: str = OPT_OUT
    listed: SuppressedChannel = "all"
    consent: bool = True

    @property
    def spoken(self) -> bool:
        """Whether it was said in a message, whose own hold stands."""
        return self.via in CHANNELS


class Stops:
    """Carries out stops and starts."""

    def __init__(self, outbox: Outbox, figures: Figures) -> None:
        self._outbox = outbox
        self._figures = figures

    async def stop(self, tx: Transaction, stop: Stop, *, beside: Sequence[Message] = ()) -> bool:
        """List the address, withdraw consent, tell everybody; True when it is new.

        Told each time: whoever says stop twice was perhaps written to in between. Where
        no reply holds the person the event does: other channels stop by its decision.
        `beside` is told as well, in the same statement.
        """
        if stop.person_id is not None and stop.consent:
            await record_consent(
                tx,
                [
                    ConsentStatement(
                        tenant_id=stop.tenant_id,
                        person_id=stop.person_id,
                        channel=channel,
                        state="no",
                        at=tx.now,
                        method=f"{stop.via} {stop.reason}",
                        source="replies",
                    )
                    for channel in _withdrawn(stop)
                ],
            )
        # Persons are locked before the list, by everybody who needs both.
        entry = (kind_of(stop.channel), stop.listed, stop.address_hash)
        listed = await suppress(tx, stop.tenant_id, [entry], reason=stop.reason, via=stop.via)
        event = ContactOptedOut(
            person_id=stop.person_id, channel=stop.channel, via=stop.via, at=tx.now
        )
        subject = stop.person_id or stop.tenant_id
        message = self._outbox.message(
            event, tenant_id=stop.tenant_id, subject=subject, time=tx.now
        )
        await self._outbox.add(tx, [*beside, message])
        if stop.person_id is not None and not stop.spoken:
            await place_hold(tx, stop.tenant_id, stop.person_id, message.id)
        if listed:  # who says stop twice is one person who left
            tx.after_commit(lambda: self._figures.opt_out(stop.via))
        return listed > 0

    async def start(
        self, tx: Transaction, tenant_id: UUID, person_id: UUID | None, *, phone_hash: bytes
    ) -> bool:
        """Take back what a number's owner said by text or call; True when that stood.

        Texts are consented to again; for calls a text is not enough (47 CFR
        64.1200(f)(9): written agreement), so consent to those stays withdrawn.
        """
        standing = await listings(tx, tenant_id, [phone_hash])
        own = [
            (found.kind, found.channel, found.hash)
            for found in standing
            if (found.reason, found.via) in _OWN_WORD
        ]
        if not own:
            return False
        # Persons are locked before the list, as for a stop.
        if person_id is not None:
            statement = ConsentStatement(
                tenant_id=tenant_id,
                person_id=person_id,
                channel="sms",
                state="yes",
                at=tx.now,
                method="sms START",
                source="replies",
            )
            await record_consent(tx, [statement])
        await lift(tx, tenant_id, own, via="sms")
        event = ContactOptedIn(person_id=person_id, channel="sms", via="sms", at=tx.now)
        message = self._outbox.message(
            event, tenant_id=tenant_id, subject=person_id or tenant_id, time=tx.now
        )
        await self._outbox.add(tx, [message])
        return True


def _withdrawn(stop: Stop) -> Sequence[Channel]:
    return channels_of(kind_of(stop.channel)) if stop.listed == "all" else (stop.channel,)
