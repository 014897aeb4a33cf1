"""A word that nobody decides on is somebody's task, and its hold goes with the task."""

from datetime import timedelta

import pytest

from followup_contracts.events import LeadConverted
from followup_database import new_id
from followup_people import Parted, part_lead
from followup_scheduler.undecided import Undecided
from followup_suppression import holds_of, place_hold


@pytest.fixture
def undecided(desk):
    return Undecided(desk.databases.worker, desk.outbox)


async def _hold(desk, lead, name, *, tenant=None, minutes=2):
    async with desk.databases.worker.transaction() as tx:
        await place_hold(tx, tenant or desk.tenant.id, lead.person_id, name)
    await desk.rows(
        "UPDATE suppression.holds SET placed_on = placed_on - make_interval(mins => :minutes)"
        " WHERE reply_id = :name RETURNING 1",
        minutes=minutes,
        name=name,
    )


async def _holds(desk, lead):
    async with desk.databases.worker.transaction() as tx:
        return (await holds_of(tx, [lead.person_id])).get(lead.person_id, frozenset())


async def _tasks(desk):
    return await desk.rows("SELECT * FROM scheduler.tasks ORDER BY id")


async def test_a_word_nobody_decides_on_becomes_one_task(desk, undecided):
    """After a minute, once; until somebody closes it the hold stands."""
    lead, _ = await desk.enrolled()
    name = new_id()
    await _hold(desk, lead, new_id(), minutes=0)
    assert (await undecided.run_once()).worked == 0
    await _hold(desk, lead, name)
    assert (await undecided.run_once()).worked == 1
    assert (await undecided.run_once()).worked == 0
    (task,) = await _tasks(desk)
    assert (task["id"], task["kind"], task["state"]) == (name, "decide", "open")
    assert (task["lead_id"], task["person_id"]) == (lead.lead_id, lead.person_id)
    (created,) = await desk.events("task.created")
    assert created["task_id"] == str(name)
    assert name in await _holds(desk, lead)


@pytest.mark.parametrize(
    ("then", "state"), [(None, "paused"), ("resume", "active"), ("halt", "halted")]
)
async def test_closing_the_task_decides(client, desk, undecided, then, state):
    """The hold goes, and what runs for the person pauses unless somebody says otherwise."""
    lead, run = await desk.enrolled()
    name = new_id()
    await _hold(desk, lead, name)
    await undecided.run_once()
    closed = await client.post(f"/v1/tasks/{name}/complete", json={"then": then})
    assert closed.status_code == 200, closed.text
    assert await _holds(desk, lead) == frozenset()
    assert (await desk.run(run))["state"] == state
    again = await client.post(f"/v1/tasks/{name}/complete", json={"then": "halt"})
    assert again.json()["state"] == "done"
    assert (await desk.run(run))["state"] == state


async def test_a_task_that_only_looks_like_it_decides_nothing(client, desk):
    """Whoever sets a task of this kind by hand pauses nothing with it."""
    lead, run = await desk.enrolled()
    name = new_id()
    await _hold(desk, lead, name)
    task = {"lead_id": str(lead.lead_id), "kind": "decide", "title": "Look", "due_at": None}
    task["due_at"] = (desk.clock() + timedelta(hours=1)).isoformat()
    own = (await client.post("/v1/tasks", json=task)).json()
    await client.post(f"/v1/tasks/{own['id']}/complete", json={})
    assert await _holds(desk, lead) == {name}
    assert (await desk.run(run))["state"] == "active"


async def test_a_decision_that_comes_after_all_withdraws_the_task(desk, undecided, say):
    """By a reply as by an event of the product; other tasks stay."""
    lead, run = await desk.enrolled()
    reply = say.reply(lead, at=desk.clock())
    sold = desk.message(
        LeadConverted(lead_id=lead.lead_id, person_id=lead.person_id, at=desk.clock(), kind="deal")
    )
    for name in (reply.reply_id, sold.id):
        await _hold(desk, lead, name)
    await undecided.run_once()
    await desk.tell(desk.replies, reply)
    async with desk.databases.worker.transaction() as tx:
        await desk.product(tx, [sold])
    assert await _holds(desk, lead) == frozenset()
    states = {task["id"]: task["state"] for task in await _tasks(desk) if task["kind"] == "decide"}
    assert states == {reply.reply_id: "withdrawn", sold.id: "withdrawn"}
    assert [t["kind"] for t in await _tasks(desk) if t["state"] == "open"] == ["contact_interested"]
    assert (await desk.run(run))["end_reason"] == "interested"


async def test_nobody_is_asked_about_another_tenants_lead(desk, undecided):
    """A hold that names somebody else's person holds nobody: it goes, and tells nobody anything."""
    lead, _ = await desk.enrolled()
    await _hold(desk, lead, new_id(), tenant=await desk.other_tenant())
    assert (await undecided.run_once()).worked == 1
    assert await _tasks(desk) == []
    assert await _holds(desk, lead) == frozenset()


async def test_closing_the_task_decides_for_who_was_another_meanwhile(client, desk, undecided):
    """A hold stands under the id it was placed under: two that were one for a while keep theirs."""
    other = await desk.lead()
    desk.clock.advance(timedelta(minutes=1))
    lead, run = await desk.enrolled()
    name = new_id()
    await _hold(desk, lead, name)
    desk.clock.advance(timedelta(minutes=1))
    await desk.lead(phone_e164=other.phone_e164, email=lead.email)  # both of them: one human
    assert await _person(desk, lead) == other.person_id
    await undecided.run_once()
    async with desk.databases.worker.transaction() as tx:
        parted = await part_lead(tx, desk.tenant.id, lead.lead_id, other.person_id)
    assert parted == Parted(lead.person_id, (lead.lead_id,))
    closed = await client.post(f"/v1/tasks/{name}/complete", json={"then": "halt"})
    assert closed.status_code == 200, closed.text
    assert await _holds(desk, lead) == frozenset()
    assert (await desk.run(run))["state"] == "halted"


async def _person(desk, lead):
    (row,) = await desk.rows("SELECT person_id FROM people.leads WHERE id = :id", id=lead.lead_id)
    return row["person_id"]
