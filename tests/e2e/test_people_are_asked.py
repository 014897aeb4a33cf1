"""H2 and H3: what a person keeps for themselves reaches them, and the sequence waits."""

from datetime import datetime, timedelta

import pytest


async def answered(followup, words):
    """A lead that has answered the first text, and the one task that came of it."""
    lead = await followup.lead()
    await followup.play(until=followup.clock() + timedelta(hours=2))
    await followup.say(lead, words)
    (task,) = (await followup.ask("GET", "/v1/tasks", params={"state": "open"}))["items"]
    assert task["lead_id"] == str(lead.id)
    return lead, task


@pytest.mark.mission("H2", via="running")
@pytest.mark.parametrize(
    ("words", "kind", "within"),
    [
        ("How much does it cost roughly?", "answer_question", timedelta(hours=1)),
        (
            "This is ridiculous, you called me three times. I want to speak to a manager.",
            "handle_complaint",
            timedelta(0),
        ),
    ],
)
async def test_a_question_or_complaint_waits_for_a_person(followup, words, kind, within):
    """Somebody is asked at once, nothing goes out meanwhile, and then it goes on."""
    lead, task = await answered(followup, words)
    assert task["kind"] == kind
    due, made = (datetime.fromisoformat(task[name]) for name in ("due_at", "created_at"))
    assert due - made == within
    run = await followup.run_of(lead)
    assert run["state"] == "held"
    before = len(followup.sent(lead))
    await followup.play(until=followup.clock() + timedelta(days=10))
    assert len(followup.sent(lead)) == before
    await followup.ask("POST", f"/v1/tasks/{task['id']}/complete", json={"outcome": "answered"})
    await followup.ask("POST", f"/v1/enrollments/{run['id']}/resume")
    await followup.play()
    assert len(followup.sent(lead)) > before
    assert (await followup.run_of(lead))["end_reason"] == "ran_through"


@pytest.mark.mission("H3", via="running")
async def test_whoever_recommends_us_is_thanked_by_a_person(followup):
    """A referral in an answer is a task of its own kind."""
    words = "I don't need it, but my sister Jane is looking for someone, you could call her."
    lead, task = await answered(followup, words)
    assert task["kind"] == "thank_for_referral"
    assert (await followup.run_of(lead))["state"] == "held"
