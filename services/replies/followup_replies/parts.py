"""Long texts that come in parts: in any order, twice, or one of them never.

Phones cut texts of more than 160 characters (3GPP TS 23.040, 9.2.3.24), and some vendors hand
the pieces on as they come. The person is held from the first one. They are read together: when
the last is there, when what is there ends the messages, or when they have waited long enough.
What comes later is a message of its own.
"""

import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial

from followup_database import Database, Transaction, committed, new_id
from followup_database.errors import is_outage
from followup_directory import Account, account_by_id
from followup_replies.addresses import bare
from followup_replies.core.assembling import joined
from followup_replies.inbound import Assembled, Inbound, InboundDesk, Part
from followup_replies.matching import Matched
from followup_replies.store import parts
from followup_replies.store.parts import NewPart, Sibling, Waiting
from followup_runtime.loops import Tick
from followup_runtime.rests import Rests
from followup_suppression import place_hold, remove_holds

PATIENCE = timedelta(seconds=20)
"""How long the first of several parts waits for the others (machine time). Somebody is asked
about a hold that has stood for a minute: by then these are read."""
EVERY = 2.0


class PartsDesk:
    """Takes parts in, and has them read."""

    def __init__(self, inbound: InboundDesk) -> None:
        self._inbound = inbound

    async def take(
        self, tx: Transaction, account: Account, inbound: Inbound, part: Part
    ) -> str | None:
        """Keep a part and hold its person; read what is there if it need not wait.

        Returns what is to be answered at once, if anything. The caller waits for the fence.
        One that was seen before changes nothing.
        """
        tenant_id = account.tenant_id
        matched, new, others = await self._placed(tx, account, inbound, part)
        if not await parts.insert(tx, new):
            return None
        if matched.person_id is not None:
            await place_hold(tx, tenant_id, matched.person_id, new.reply_id)
        there = await parts.unread(tx, tenant_id, new.reply_id)
        together = _together(there, newest=new.body)
        if others + 1 < part.total and not self._inbound.ends(tx, together, matched.person):
            return None
        return await self._read(tx, account, there, matched, together)

    async def _placed(
        self, tx: Transaction, account: Account, inbound: Inbound, part: Part
    ) -> tuple[Matched, NewPart, int]:
        """Whose a part is, where it belongs, and how many others of its text there are.

        Nobody else takes one of this text until the commit.
        """
        address, ours = (bare(inbound.channel, a) for a in (inbound.sender, inbound.recipient))
        hashed = self._inbound.hashed(inbound.channel, address)
        await parts.lock(tx, account.id, hashed, part.ref)
        found = await parts.of_text(
            tx,
            account.tenant_id,
            account.id,
            address_hash=hashed,
            ours=ours,
            ref=part.ref,
            total=part.total,
        )
        known = _beside(part, found)
        unread = [each.reply_id for each in known if not each.read]
        matched = await self._inbound.sender(tx, account, inbound)
        new = NewPart(
            account_id=account.id,
            vendor_id=inbound.vendor_id,
            tenant_id=account.tenant_id,
            text_id=known[0].text_id if known else new_id(),
            reply_id=unread[0] if unread else new_id(),
            person_id=matched.person_id,
            channel=inbound.channel,
            address=address,
            our_address=ours,
            address_hash=hashed,
            ref=part.ref,
            total=part.total,
            number=part.number,
            body=inbound.body,
            payload=inbound.payload,
        )
        return matched, new, len(known)

    async def read_late(self, tx: Transaction, late: Waiting) -> bool:
        """Read what is there of a message that has waited; False where somebody else has."""
        await parts.lock(tx, late.account_id, late.address_hash, late.ref)
        account = await account_by_id(tx, late.account_id)
        there = await parts.unread(tx, late.tenant_id, late.reply_id)
        if not there:
            return False
        if account is None or account.tenant_id != late.tenant_id:  # its tenant is being removed
            return await parts.mark_read(tx, late.tenant_id, late.reply_id) > 0
        together = _together(there)
        matched = await self._inbound.sender(tx, account, together)
        await self._read(tx, account, there, matched, together)
        return True

    async def _read(
        self,
        tx: Transaction,
        account: Account,
        there: Sequence[NewPart],
        matched: Matched,
        together: Inbound,
    ) -> str | None:
        reply_id = there[0].reply_id
        await parts.mark_read(tx, account.tenant_id, reply_id)
        # Who was one with somebody else meanwhile, or is so no more, is held by this no longer.
        # Of nobody's nobody is told: there the hold has somebody asked.
        before = {part.person_id for part in there if part.person_id is not None}
        left = before - {matched.person_id}
        if left and matched.person_id is not None:
            await remove_holds(tx, [(person_id, reply_id) for person_id in sorted(left)])
        return await self._inbound.take(tx, account, together)


class PartsSweep:
    """Reads what waits for a part that does not come; any number may run it.

    A message that fails keeps no other waiting: it is left alone for a while, each time for
    longer.
    """

    name = "replies:parts"

    def __init__(
        self,
        database: Database,
        desk: PartsDesk,
        *,
        most: int = 100,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._desk = desk
        self._most = most
        self._rests = Rests(monotonic)

    async def run_once(self) -> Tick:
        """A bounded number of messages, each in a transaction of its own.

        The errors of those that failed are raised together, when all others are read.
        """
        async with self._database.transaction() as tx:
            late = await parts.waiting(
                tx, older=PATIENCE, most=self._most, without=self._rests.now()
            )
            await parts.expire(tx, after=parts.SAME_TEXT)
        failures: list[Exception] = []
        read = 0
        for each in late:
            read += await self._read(each, failures)
        if failures:
            raise ExceptionGroup(f"{self.name}: not read", failures)
        return Tick(read, 0.0 if len(late) == self._most else EVERY)

    async def _read(self, late: Waiting, failures: list[Exception]) -> bool:
        """Try one message. An error of its own goes to `failures`."""
        try:
            read = await committed(self._database, partial(self._desk.read_late, late=late))
        except Exception as error:
            if is_outage(error):
                raise
            error.add_note(f"message {late.reply_id}")
            failures.append(error)
            self._rests.lay_aside(late.reply_id)
            return False
        self._rests.done(late.reply_id)
        return read


def _beside(part: Part, found: Sequence[Sibling]) -> Sequence[Sibling]:
    """The other parts of a part's text: none where its number is there, for that is an older one.

    A repetition has its number, too; it is known by its name.
    """
    return () if any(each.number == part.number for each in found) else found


def _together(there: Sequence[NewPart], *, newest: str | None = None) -> Inbound:
    first = there[0]
    return Inbound(
        channel=first.channel,
        vendor_id=f"parts:{first.reply_id}",
        sender=first.address,
        recipient=first.our_address,
        body=joined({each.number: each.body for each in there}, total=first.total),
        payload={"parts": [dict(each.payload) for each in there]},
        assembled=Assembled(
            reply_id=first.reply_id,
            newest=newest,
            whole=len(there) == first.total,
        ),
    )
