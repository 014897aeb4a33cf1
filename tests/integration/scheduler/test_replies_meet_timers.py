"""A reply and a timer of the same run at the same moment: neither is lost for the other's lock."""

import asyncio

import pytest

from followup_suppression import holds_of, place_hold
from followup_testkit.waiting import until

WAITING = """
SELECT 1 FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE a.datname = current_database() AND NOT l.granted
"""


@pytest.fixture
async def due(desk, say):
    """Somebody whose next touch is due now, and who answers at this moment: lead, run, reply."""
    lead, run = await desk.enrolled()
    for touch in await desk.touches(run):
        if touch["state"] == "commanded":
            await desk.send(touch)
    desk.clock.jump(await desk.next_due())
    reply = say.reply(lead, at=desk.clock())
    async with desk.databases.worker.transaction() as tx:
        await place_hold(tx, desk.tenant.id, lead.person_id, reply.reply_id)
    return lead, run, reply


async def decided(desk, lead, run) -> None:
    """The reply has halted its run, its hold is gone, and nothing is left to go out."""
    row = await desk.run(run)
    assert (row["state"], row["end_reason"]) == ("halted", "interested")
    async with desk.databases.worker.transaction() as tx:
        assert await holds_of(tx, [lead.person_id]) == {}
    open_ = [t for t in await desk.touches(run) if t["state"] == "planned"]
    assert open_ == []
    assert await desk.rows("SELECT 1 FROM scheduler.timers") == []


async def test_a_reply_that_finds_its_run_locked_waits_for_it(desk, due):
    """parcelvoy, JourneyState.resume: a reply that met a timer found the lock taken, and was
    dropped without a word.
    """
    lead, run, reply = due
    async with desk.databases.worker.transaction() as tx:
        held = await desk.runs.load(tx, [run])  # as a timer's loop has it in hand
        telling = asyncio.create_task(desk.tell(desk.replies, reply))
        await until(lambda: desk.rows(WAITING), what="the reply waits for the run")
        await desk.runs.save(tx, held.values())
    await telling
    await decided(desk, lead, run)


async def test_a_timer_that_meets_a_reply_asks_for_nothing_more(desk, due):
    """parcelvoy, JourneyState.resume, the other way about: the timer sees what was decided."""
    lead, run, reply = due
    before = {touch["id"]: touch["round"] for touch in await desk.touches(run)}
    async with desk.databases.worker.transaction() as tx:
        await desk.replies(tx, [desk.message(reply)])
        ticking = asyncio.create_task(desk.timers.run_once())

        async def met() -> bool:
            return ticking.done() or bool(await desk.rows(WAITING))

        await until(met, what="the timer waits for the run, or has passed it by")
    await ticking
    await desk.timers.run_once()
    await decided(desk, lead, run)
    assert {t["id"]: t["round"] for t in await desk.touches(run)} == before


async def test_of_many_replies_that_meet_their_timers_none_is_lost(desk, say):
    """parcelvoy, JourneyState.resume: however the two fall, each reply halts its run."""
    entered = [await desk.enrolled() for _ in range(12)]
    for _, run in entered:
        for touch in await desk.touches(run):
            if touch["state"] == "commanded":
                await desk.send(touch)
    desk.clock.jump(await desk.next_due())
    replies = [say.reply(lead, at=desk.clock()) for lead, _ in entered]
    await asyncio.gather(
        *(desk.tell(desk.replies, reply) for reply in replies),
        *(desk.timers.run_once() for _ in range(3)),
    )
    assert {(await desk.run(run))["end_reason"] for _, run in entered} == {"interested"}
