"""An erasure and a settlement of the same person's attempts: one waits, neither is undone."""

import asyncio

from followup_database.personal import Subject, erase_rows
from followup_dispatcher import ledger, usage
from followup_dispatcher.forgetting import take_hold
from followup_dispatcher.ledger import Settlement
from followup_dispatcher.tables import PERSONAL
from followup_testkit.waiting import until


async def test_an_erasure_waits_for_a_settlement_and_not_half_way(dispatching):
    """Whoever settles holds the contacts and comes to the attempts next: both are free for it."""
    lead = await dispatching.lead(phone_e164="+12125550183")
    for _ in range(2):
        await dispatching.send(dispatching.command(lead, transactional=True))
    attempts = await dispatching.rows("SELECT touch_id, id FROM dispatcher.attempts")

    async def erase():
        subject = Subject(dispatching.tenant_id, [lead[1]])
        async with dispatching.database.transaction() as tx:
            await take_hold(tx, subject)
            for table in PERSONAL:
                await erase_rows(tx, table, subject)

    async with dispatching.database.transaction() as settling:
        await usage.hold(settling, {lead[1]})
        erasing = asyncio.create_task(erase())
        await until(lambda: _waits(dispatching), what="the erasure waits")
        # Had it the attempts by now, this would wait for it, and it for us.
        await ledger.settle(
            settling,
            [Settlement(row["touch_id"], row["id"], "accepted", "callback") for row in attempts],
        )
    await erasing
    left = await dispatching.rows("SELECT recipient, body FROM dispatcher.attempts")
    assert [(row["recipient"], row["body"]) for row in left] == [(None, None)] * len(attempts)


async def _waits(dispatching):
    return await dispatching.rows(
        "SELECT 1 FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid"
        " WHERE a.datname = current_database() AND NOT l.granted"
    )
