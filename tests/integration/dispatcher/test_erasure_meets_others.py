"""An erasure meets a settlement, or a claim, of the same person: one waits, neither is undone."""

import asyncio

from followup_database.personal import Subject, erase_rows
from followup_dispatcher import ledger, usage
from followup_dispatcher.answers import command_of
from followup_dispatcher.forgetting import take_hold
from followup_dispatcher.ledger import Settlement
from followup_dispatcher.picture import Surveyor
from followup_dispatcher.tables import PERSONAL
from followup_people.tables import PERSONAL as PEOPLE
from followup_testkit.waiting import until


async def test_an_erasure_waits_for_a_settlement_and_not_half_way(dispatching):
    """Whoever settles holds the contacts and comes to the attempts next: both are free for it."""
    lead = await dispatching.lead(phone_e164="+12125550183")
    for _ in range(2):
        await dispatching.send(dispatching.command(lead, transactional=True))
    attempts = await dispatching.rows("SELECT touch_id, id FROM dispatcher.attempts")

    async with dispatching.database.transaction() as settling:
        await usage.hold(settling, {lead[1]})
        erasing = asyncio.create_task(_erase(dispatching, lead[1]))
        await until(lambda: _waits(dispatching), what="the erasure waits")
        # Had it the attempts by now, this would wait for it, and it for us.
        await ledger.settle(
            settling,
            [Settlement(row["touch_id"], row["id"], "accepted", "callback") for row in attempts],
        )
    await erasing
    left = await dispatching.rows("SELECT recipient, body FROM dispatcher.attempts")
    assert [(row["recipient"], row["body"]) for row in left] == [(None, None)] * len(attempts)


class _Slow:
    """Looks as the real one does, and gives what it saw when it is let."""

    def __init__(self, surveyor):
        self._surveyor = surveyor
        self.looked, self.let = asyncio.Event(), asyncio.Event()

    async def look(self, tx, messages, **how):
        picture = await self._surveyor.look(tx, messages, **how)
        self.looked.set()
        await self.let.wait()
        return picture


async def test_an_erasure_waits_for_the_first_claim_of_somebody(dispatching):
    """The claim looked before anybody was to be forgotten: its address is emptied all the same."""
    lead = await dispatching.lead(phone_e164="+12125550184")
    slow = _Slow(Surveyor(dispatching.hasher))
    message = dispatching.command(lead, transactional=True)
    claiming = asyncio.create_task(dispatching.desk_by(surveyor=slow).claim([message]))
    await slow.looked.wait()
    erasing = asyncio.create_task(_erase(dispatching, lead[1]))
    await until(lambda: _waits(dispatching), what="the erasure waits")
    slow.let.set()
    assert len((await claiming).claimed) == 1
    await erasing
    left = await dispatching.rows("SELECT recipient, body FROM dispatcher.attempts")
    assert [(row["recipient"], row["body"]) for row in left] == [(None, None)]


async def test_a_claim_that_waited_for_somebody_else_writes_to_none_erased_meanwhile(dispatching):
    """It knew where they are reached, and came to nobody's caps before they were forgotten."""
    forgotten = await dispatching.lead(phone_e164="+12125550185")
    other = await dispatching.lead(phone_e164="+12125550186")
    messages = [dispatching.command(lead, transactional=True) for lead in (forgotten, other)]

    async with dispatching.database.transaction() as holding:
        await usage.lock(holding, {other[1]: dispatching.tenant_id})
        claiming = asyncio.create_task(dispatching.desk.claim(messages))
        await until(lambda: _waits(dispatching), what="the claim waits")
        async with dispatching.database.transaction() as tx:
            for table in PEOPLE:
                await erase_rows(tx, table, Subject(dispatching.tenant_id, [forgotten[1]]))
    claims = await claiming

    (claimed,) = claims.claimed
    assert claimed.command == command_of(messages[1])
    left = await dispatching.rows("SELECT recipient FROM dispatcher.attempts")
    assert [row["recipient"] for row in left] == ["+12125550186"]
    (skipped,) = await dispatching.events()
    assert (skipped.touch_id, skipped.rule) == (command_of(messages[0]).touch_id, "erased")


async def _erase(dispatching, person_id):
    subject = Subject(dispatching.tenant_id, [person_id])
    async with dispatching.database.transaction() as tx:
        await take_hold(tx, subject)
        for table in PERSONAL:
            await erase_rows(tx, table, subject)


async def _waits(dispatching):
    return await dispatching.rows(
        "SELECT 1 FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid"
        " WHERE a.datname = current_database() AND NOT l.granted"
    )
