"""H1, H2 and H3: what a person keeps for themselves reaches them, and the sequence waits."""

from datetime import datetime, timedelta

import pytest

VALUED = """
format: 1
key: valued
name: In person where it is worth it
accept:
  R7-one-channel: tests show who does what
steps:
  - id: hello
    at: {after: 0m, window: at_once}
    touches: [{channel: sms, template: hello}]
  - id: note # beside the texts
    at: {after: 0m}
    when: {fact: {name: deal.value, above: 10000}}
    task: {kind: handwritten_note, title: Write them a note by hand, within: 1d, wait: false}
  - id: who
    at: {day: 2}
    branch:
      - {when: {fact: {name: deal.value, above: 10000}}, go: call}
  - id: text
    at: {day: 2}
    touches: [{channel: sms, template: slot}]
    next: last
  - id: call # in place of the text
    at: {day: 2}
    task:
      kind: personal_call
      within: 4h
      at_most: 3d
      outcomes:
        reached: {do: halt, reason: reached}
  - id: last
    at: {day: 7}
    touches: [{channel: sms, template: last}]
templates:
  hello: {text: 'Hi {{ person.first_name | default: "there" }}, is it urgent? Reply STOP to end.'}
  slot: {text: 'Hi {{ person.first_name | default: "there" }}, does Tuesday at ten suit you?'}
  last: {text: '{{ person.first_name | default: "Hello" }}, shall we leave the roof for now?'}
"""


async def valued(followup, **fields):
    """A lead in a sequence that looks at what it is worth."""
    headers = {"content-type": "application/yaml"}
    await followup.ask("PUT", "/v1/sequences/valued", content=VALUED, headers=headers)
    await followup.ask("POST", "/v1/sequences/valued/publish")
    return await followup.lead(sequence="valued", **fields)


async def tasks_of(followup, lead):
    """What people are asked to do about a lead, by kind."""
    items = (await followup.ask("GET", "/v1/tasks", params={"state": "open"}))["items"]
    return {task["kind"]: task for task in items if task["lead_id"] == str(lead.id)}


def days(followup, lead):
    """Days after the first message on which others went out."""
    sent = followup.sent(lead)
    return [(entry.at - sent[0].at).days for entry in sent]


async def answered(followup, words):
    """A lead that has answered the first text, and the one task that came of it."""
    lead = await followup.lead()
    await followup.play(until=followup.clock() + timedelta(hours=2))
    await followup.say(lead, words)
    (task,) = (await followup.ask("GET", "/v1/tasks", params={"state": "open"}))["items"]
    assert task["lead_id"] == str(lead.id)
    return lead, task


@pytest.mark.mission("H1", via="running")
async def test_a_valuable_lead_becomes_a_task_beside_and_in_place_of_a_touch(followup):
    """A note beside the first text, a call in place of the second; others get texts alone."""
    rich = await valued(followup, value=25_000, currency="USD")
    other = await valued(followup, value=900, currency="USD")
    unknown = await valued(followup)
    await followup.play(until=followup.clock() + timedelta(days=3))
    asked = await tasks_of(followup, rich)
    assert set(asked) == {"handwritten_note", "personal_call"}
    assert asked["handwritten_note"]["title"] == "Write them a note by hand"
    assert await tasks_of(followup, other) == await tasks_of(followup, unknown) == {}
    assert [len(followup.sent(lead)) for lead in (rich, other, unknown)] == [1, 2, 2]
    agenda = await followup.ask("GET", "/v1/agenda", params={"show": "tasks"})
    shown = {line["task"]["kind"]: line["lead"]["deal"]["value"] for line in agenda["items"]}
    assert shown == {"handwritten_note": "25000", "personal_call": "25000"}
    path = f"/v1/tasks/{asked['personal_call']['id']}/complete"
    await followup.ask("POST", path, json={"outcome": "reached"})
    await followup.play()
    assert (await followup.run_of(rich))["end_reason"] == "reached"
    assert len(followup.sent(rich)) == 1
    assert days(followup, other) == days(followup, unknown)
    assert len(followup.sent(other)) == 3


@pytest.mark.mission("H1", via="running")
async def test_a_person_without_time_holds_no_sequence_up(followup):
    """Nobody calls: after the days the document gives it goes on by itself, the task stays."""
    rich = await valued(followup, value=25_000, currency="USD")
    await followup.play()
    assert len(followup.sent(rich)) == 2
    assert (await followup.run_of(rich))["end_reason"] == "ran_through"


@pytest.mark.mission("H1", via="running")
async def test_what_a_lead_turns_out_to_be_worth_counts(followup):
    """Its value is corrected on the first day: the second step is a person's."""
    lead = await valued(followup, value=900, currency="USD")
    await followup.play(until=followup.clock() + timedelta(hours=2))
    await followup.ask("PATCH", f"/v1/leads/{lead.id}", json={"value": 50_000})
    await followup.play(until=followup.clock() + timedelta(days=3))
    assert set(await tasks_of(followup, lead)) == {"personal_call"}
    assert len(followup.sent(lead)) == 1


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
