"""Workers see the rows of every tenant: a message speaks of its own tenant's alone."""

from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from followup_contracts.events import LeadConverted, LeadUpdated
from followup_database import new_id
from followup_suppression import holds_of, place_hold


@pytest.fixture
async def before(desk):
    """A lead under way, its enrollment and everything stored about it."""
    lead, run = await desk.enrolled()
    return lead, run, await _all(desk, run)


async def _all(desk, run):
    journal = await desk.rows("SELECT * FROM scheduler.journal ORDER BY id")
    return await desk.run(run), await desk.touches(run), await desk.timer(run), journal


@pytest.mark.parametrize("what", ["sent", "failed", "skipped", "unknown", "deferred"])
async def test_an_answer_of_another_tenant_is_ignored(desk, say, before, what):
    """Whatever it says; the log has the ids."""
    _, run, stored = before
    touch = await desk.touch(run, "sms")
    more = {"until": desk.clock() + timedelta(hours=1)} if what == "deferred" else {}
    answer = getattr(say, what)(touch, at=desk.clock(), **more)
    other = new_id()
    with capture_logs() as logged:
        await desk.tell(desk.outcomes, answer, tenant_id=other)
    assert await _all(desk, run) == stored
    (line,) = logged
    assert (line["tenant"], line["enrollment"]) == (str(other), str(run))


@pytest.mark.parametrize("what", ["delivered", "bounced"])
async def test_a_report_of_another_tenant_is_ignored(desk, say, before, what):
    """A delivery is no more its to tell than a send."""
    _, run, stored = before
    report = getattr(say, what)(await desk.touch(run, "sms"), at=desk.clock())
    await desk.tell(desk.feedback, report, tenant_id=new_id())
    assert await _all(desk, run) == stored


async def test_a_reply_of_another_tenant_neither_halts_nor_frees(desk, say, before):
    """The run goes on, and the hold of the person's own reply stays."""
    lead, run, stored = before
    reply = say.reply(lead, at=desk.clock())
    async with desk.databases.worker.transaction() as tx:
        await place_hold(tx, desk.tenant.id, lead.person_id, reply.reply_id)
    await desk.tell(desk.replies, reply, tenant_id=new_id())
    assert await _all(desk, run) == stored
    async with desk.databases.worker.transaction() as tx:
        assert await holds_of(tx, [lead.person_id])
    await desk.tell(desk.replies, reply)
    async with desk.databases.worker.transaction() as tx:
        assert not await holds_of(tx, [lead.person_id])
    assert (await desk.run(run))["state"] == "halted"


async def test_an_event_of_another_tenant_in_the_same_batch_ends_nothing(desk, before):
    """Not even beside one of the lead's own tenant, for which the run is loaded."""
    lead, run, _ = before
    about = {"lead_id": lead.lead_id, "person_id": lead.person_id, "at": desk.clock()}
    own = desk.message(LeadUpdated(**about, changed=("city",)))
    foreign = replace(desk.message(LeadConverted(**about, kind="deal")), tenant_id=new_id())
    async with desk.databases.worker.transaction() as tx:
        await desk.product(tx, [own, foreign])
    assert (await desk.run(run))["state"] == "active"
