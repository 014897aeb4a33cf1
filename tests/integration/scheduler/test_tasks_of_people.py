"""Tasks over HTTP: set, found, put off, handed on, reminded of, closed with an outcome."""

from datetime import timedelta

import pytest

from followup_database import new_id
from followup_scheduler.assigning import open_tasks
from followup_scheduler.reminders import Reminders
from followup_scheduler.store.tasks import NewTask


@pytest.fixture
async def asked(client, desk, say):
    """A lead whose question waits for a person: the lead, its run and the task."""
    lead, run = await desk.enrolled()
    await desk.tell(desk.replies, say.reply(lead, at=desk.clock(), intent="question"))
    (task,) = (await client.get("/v1/tasks")).json()["items"]
    return lead, run, task


async def test_a_task_is_closed_with_an_outcome_and_its_sequence_goes_on(client, desk, asked):
    """One request closes it, notes what was said and lets the held sequence go on; once."""
    _, run, task = asked
    body = {"outcome": "answered", "note": "Told her the price.", "then": "resume"}
    done = (await client.post(f"/v1/tasks/{task['id']}/complete", json=body)).json()
    assert (done["state"], done["outcome"], done["note"]) == ("done", "answered", body["note"])
    assert (await desk.run(run))["state"] == "active"
    (event,) = await desk.events("task.completed")
    assert event["outcome"] == "answered"
    assert "note" not in event
    again = await client.post(f"/v1/tasks/{task['id']}/complete", json={"then": "halt"})
    assert again.json()["outcome"] == "answered"
    assert (await desk.run(run))["state"] == "active"
    told = await desk.rows("SELECT what FROM scheduler.journal WHERE what LIKE 'task %closed%'")
    assert [row["what"] for row in told] == ["task answer_question closed: answered"]


async def test_a_task_closed_with_a_halt_ends_the_sequence(client, desk, asked):
    """The outcome is the reason; nothing of it is left to go."""
    _, run, task = asked
    body = {"outcome": "settled_by_phone", "then": "halt"}
    assert (await client.post(f"/v1/tasks/{task['id']}/complete", json=body)).status_code == 200
    row = await desk.run(run)
    assert (row["state"], row["end_reason"]) == ("halted", "settled_by_phone")
    assert {t["state"] for t in await desk.touches(run)} == {"cancelled"}


async def test_tasks_are_set_found_put_off_and_handed_on(client, desk):
    """Filters find by kind, lead, assignee and due time; a snooze moves it behind the others."""
    leads = [await desk.lead() for _ in range(3)]
    at = desk.clock()
    made = []
    for number, lead in enumerate(leads):
        body = {
            "lead_id": str(lead.lead_id),
            "kind": "personal_video" if number else "write_note",
            "title": f"Something for lead {number}",
            "due_at": (at + timedelta(hours=number)).isoformat(),
            "assignee": "kim" if number == 1 else None,
        }
        answer = await client.post("/v1/tasks", json=body)
        assert answer.status_code == 201, answer.text
        made.append(answer.json())
    assert len(await desk.events("task.created")) == 3

    async def found(**asked):
        page = (await client.get("/v1/tasks", params=asked)).json()
        return [made.index(next(m for m in made if m["id"] == i["id"])) for i in page["items"]]

    assert await found() == [0, 1, 2]
    assert await found(kind="personal_video") == [1, 2]
    assert await found(lead_id=str(leads[2].lead_id)) == [2]
    assert await found(assignee="kim") == [1]
    later = {
        "due_from": (at + timedelta(hours=1)).isoformat(),
        "due_until": (at + timedelta(hours=2)).isoformat(),
    }
    assert await found(**later) == [1]
    until = (at + timedelta(days=1)).isoformat()
    put_off = await client.post(f"/v1/tasks/{made[0]['id']}/snooze", json={"until": until})
    assert put_off.json()["due_at"].startswith(until[:19])
    assert await found() == [1, 2, 0]
    handed = await client.post(f"/v1/tasks/{made[2]['id']}/assign", json={"assignee": "kim"})
    assert handed.json()["assignee"] == "kim"
    assert await found(assignee="kim") == [1, 2]
    await client.post(f"/v1/tasks/{made[1]['id']}/complete")
    assert await found() == [2, 0]
    assert await found(state="done") == [1]


async def test_what_cannot_be_done_with_a_task_is_refused(client, desk, asked):
    """404 for an unknown one, 409 for a closed one, 422 with its place for nonsense."""
    _, _, task = asked
    path = f"/v1/tasks/{task['id']}"
    past = (desk.clock() - timedelta(hours=1)).isoformat()
    future = (desk.clock() + timedelta(hours=1)).isoformat()
    refused = await client.post(f"{path}/snooze", json={"until": past})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/until")
    refused = await client.post(f"{path}/complete", json={"outcome": "Not A Code"})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/outcome")
    assert (await client.get(f"/v1/tasks/{new_id()}")).status_code == 404
    assert (await client.get("/v1/tasks?kind=No+Kind")).status_code == 422
    assert (
        await client.post(f"/v1/tasks/{new_id()}/assign", json={"assignee": None})
    ).status_code == 404
    await client.post(f"{path}/complete")
    assert (await client.post(f"{path}/snooze", json={"until": future})).status_code == 409
    assert (await client.post(f"{path}/assign", json={"assignee": "kim"})).status_code == 409


async def _of_a_step(desk, run, **more):
    """A task that a step of this run asked for."""
    row = await desk.run(run)
    task = NewTask(
        id=new_id(),
        tenant_id=row["tenant_id"],
        lead_id=row["lead_id"],
        person_id=row["person_id"],
        enrollment_id=run,
        kind="write_note",
        reason="step",
        due_at=desk.clock(),
        created_at=desk.clock(),
        step="day-0",
        **more,
    )
    async with desk.databases.worker.transaction() as tx:
        await open_tasks(tx, [task])
    return task.id


async def test_a_task_that_names_its_outcomes_takes_no_other(client, desk):
    """422 that says which; the task stays open."""
    _, run = await desk.enrolled()
    task = await _of_a_step(desk, run, outcomes=("sent", "no_address"))
    refused = await client.post(f"/v1/tasks/{task}/complete", json={"outcome": "done"})
    assert refused.status_code == 422
    assert "sent, no_address" in refused.json()["detail"]
    done = await client.post(f"/v1/tasks/{task}/complete", json={"outcome": "sent"})
    assert done.json()["state"] == "done"


async def test_what_a_step_asked_for_goes_with_its_sequence(client, desk, say):
    """A stop withdraws the note that was still to be written, and says so; own tasks stay."""
    lead, run = await desk.enrolled()
    task = await _of_a_step(desk, run, remind_at=desk.clock() + timedelta(hours=1))
    await desk.tell(desk.replies, say.reply(lead, at=desk.clock(), intent="interested"))
    row = (await client.get(f"/v1/tasks/{task}")).json()
    assert (row["state"], row["outcome"]) == ("withdrawn", "withdrawn")
    assert await desk.timer(task) is None
    (event,) = await desk.events("task.completed")
    assert (event["task_id"], event["outcome"]) == (str(task), "withdrawn")
    (left,) = (await client.get("/v1/tasks")).json()["items"]
    assert left["kind"] == "contact_interested"


@pytest.mark.mission("H5", via="running")
async def test_people_remind_themselves(client, desk):
    """At its moment the reminder is announced once; a task done before, or put off, not then."""
    lead = await desk.lead()
    at = desk.clock()

    async def own(minutes):
        body = {
            "lead_id": str(lead.lead_id),
            "title": "Call back",
            "due_at": (at + timedelta(hours=1)).isoformat(),
            "remind_at": (at + timedelta(minutes=minutes)).isoformat(),
        }
        return (await client.post("/v1/tasks", json=body)).json()["id"]

    first, done, put_off = await own(10), await own(10), await own(10)
    await client.post(f"/v1/tasks/{done}/complete")
    later = {"until": (at + timedelta(days=1)).isoformat()}
    later["remind_at"] = (at + timedelta(minutes=20)).isoformat()
    await client.post(f"/v1/tasks/{put_off}/snooze", json=later)
    reminders = Reminders(desk.databases.worker, desk.outbox)
    await reminders.run_once()
    assert await desk.events("task.reminded") == []
    desk.clock.jump(at + timedelta(minutes=10))
    await reminders.run_once()
    await reminders.run_once()
    assert [e["task_id"] for e in await desk.events("task.reminded")] == [first]
    desk.clock.jump(at + timedelta(minutes=20))
    await reminders.run_once()
    assert [e["task_id"] for e in await desk.events("task.reminded")] == [first, put_off]
    shown = (await client.get(f"/v1/tasks/{first}")).json()
    assert shown["reminded_at"] is not None
