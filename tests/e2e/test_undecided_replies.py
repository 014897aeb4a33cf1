"""A reply that the scheduler cannot decide on, in the whole running product."""

from sqlalchemy import text

from followup_embedded.demo.world import Answers
from followup_testkit.waiting import until

AT_ONCE = "{after: 0m, window: at_once}"
_BREAK = text("UPDATE scheduler.enrollments SET version = version + :more WHERE id = :id")
_DEAD = text("SELECT 1 FROM messaging.dead WHERE consumer = 'scheduler' AND state = 'open'")
_AGE = text("UPDATE suppression.holds SET placed_on = placed_on - interval '2 minutes'")
_HOLDS = text("SELECT count(*) FROM suppression.holds")


async def _worked(followup, statement, **params):
    async with followup.house.databases.worker.transaction() as tx:
        return await tx.scalar(statement, **params)


async def test_a_reply_nobody_can_decide_on_reaches_a_person(followup):
    """Its sequence is not to be read: held, counted, a task; closing that lets it go."""
    await followup.sequence("one", ("first", AT_ONCE, "sms"), ("second", "{after: 2d}", "sms"))
    lead = await followup.lead(sequence="one")
    await followup.play(until=followup.clock())
    run = await followup.run_of(lead)
    await _worked(followup, _BREAK, id=run["id"], more=99)
    await followup.hands.do(Answers(followup.sent(lead)[-1], "What does it cost?", "scripted"))
    await until(lambda: _worked(followup, _DEAD), what="the reply is a dead letter")
    await _worked(followup, _AGE)

    async def asked():
        page = await followup.ask("GET", "/v1/tasks", params={"kind": "decide"})
        return page["items"]

    (task,) = await until(asked, what="a person is asked")
    assert task["lead_id"] == str(lead.id)

    async def counted():
        figures = (await followup.client.get("/metrics")).text
        return "followup_replies_holds_late 1.0" in figures

    await until(counted, what="the metric is raised")
    await _worked(followup, _BREAK, id=run["id"], more=-99)
    await followup.ask("POST", f"/v1/tasks/{task['id']}/complete", json={})
    assert await _worked(followup, _HOLDS) == 0
    assert (await followup.run_of(lead))["state"] == "paused"
    await followup.play()
    assert len(followup.sent(lead)) == 1
