"""Simulation and production run the same code: the same leads get the same calendar."""

from datetime import timedelta

import pytest

from followup_contracts.events import (
    AppointmentBooked,
    AppointmentRescheduled,
    DealStageChanged,
    LeadUpdated,
)
from followup_people import set_appointment
from followup_scheduler.core.document import parse
from followup_scheduler.core.library import library
from followup_scheduler.core.simulate import Learned, simulate
from followup_scheduler.facts import FactFinder, Subject
from followup_suppression import AddressHasher

MANY_KINDS = """
key: kinds
name: Every kind
steps:
  - {id: hi, at: {after: 0m, window: at_once}, touches: [{channel: sms, template: one}]}
  - {id: call, at: {day: 1}, touches: [{channel: voice, template: spoken, part: morning}]}
  - id: fork
    branch: [{when: {outcome: {of: call, is: no_answer}}, go: pause}, {go: end}]
  - {id: pause, wait: {at_most: 36h}}
  - id: another
    at: {after: 1d, from: previous, weekdays: [mon, tue, wed, thu, fri]}
    touches:
      - {channel: {other_than: call}, template: {email: letter, sms: two}}
  - {id: note, task: {kind: look_at_it, at_most: 2d}}
  - id: last
    at: {business_days: 8, time: "15:00"}
    touches: [{channel: sms, template: {variants: [{use: three}, {use: four}]}}]
end: {wait: 1d, then: monthly}
templates:
  one: {text: One}
  two: {text: Two}
  three: {text: Three}
  four: {text: Four}
  letter: {subject: A, text: Letter}
  spoken: {text: Hello, voicemail: Call me}
"""
MONTHLY = """
key: monthly
name: Monthly
repeat: {every: month, on: 31}
steps:
  - id: month
    at: {day: 0, time: "10:00"}
    touches: [{channel: sms, template: {rotate: [one, two]}}]
templates:
  one: {text: One}
  two: {text: Two}
"""
REMINDERS = """
key: remind
name: Reminders
anchor: appointment.starts_at
transactional: true
steps:
  - {id: day, at: {before: 24h}, touches: [{channel: sms, template: one}]}
  - {id: hours, at: {before: 2h}, touches: [{channel: sms, template: two}]}
templates:
  one: {text: One}
  two: {text: Two}
"""
HASHER = AddressHasher(b"made-up key of the tests")
RING = timedelta(minutes=1)


async def facts_of(desk, lead, run):
    async with desk.databases.worker.transaction() as tx:
        subject = Subject(run, lead.tenant_id, lead.lead_id, lead.person_id)
        return (await FactFinder(HASHER).gather(tx, [subject]))[run]


async def live(desk, say, *, days):
    """Let time pass as it does: timers, a dispatcher that sends at once, calls nobody takes."""
    end = desk.clock() + timedelta(days=days)
    while True:
        await answer(desk, say)
        due = await desk.next_due()
        if due is None or due > end:
            desk.clock.jump(max(desk.clock(), end))
            return
        desk.clock.jump(max(desk.clock(), due))
        while (await desk.timers.run_once()).worked:
            await answer(desk, say)


async def answer(desk, say):
    commanded = await desk.rows("SELECT * FROM scheduler.touches WHERE state = 'commanded'")
    for touch in commanded:
        await desk.send(touch)
    calls = [touch for touch in commanded if touch["channel"] == "voice"]
    if calls:
        desk.clock.advance(RING)
    for touch in calls:
        ended = say.call_ended(touch, at=desk.clock(), result="no_answer")
        await desk.tell(desk.feedback, ended)


async def went(desk, run):
    """When which text went out on which channel, by the database."""
    return sorted(
        (t["settled_at"], t["channel"], t["content"], t["step"])
        for t in await desk.touches(run)
        if t["state"] == "sent"
    )


def would(simulation):
    return sorted(
        (t.due_at, t.channel, t.template, t.key.step)
        for t in simulation.touches
        if t.state == "sent"
    )


@pytest.mark.parametrize("key", ["d1", "kinds"])
@pytest.mark.parametrize("hours", [0, 9, 61])
async def test_a_run_is_its_simulation(desk, say, key, hours):
    """Touch for touch, to the second, whatever hour the lead comes in; and what follows it."""
    source = MANY_KINDS if key == "kinds" else library()[key]
    await desk.publish_sequence(source, key=key)
    await desk.publish_sequence(MONTHLY, key="monthly")
    desk.clock.advance(timedelta(hours=hours))
    lead = await desk.lead()
    start = desk.clock()
    run = await desk.enter(lead, key)
    facts = await facts_of(desk, lead, run)
    played = simulate(parse(source), facts, start=start, lead_id=run)
    await live(desk, say, days=40)
    assert await went(desk, run) == would(played)
    assert len(would(played)) > 3
    assert (await desk.run(run))["state"] == played.state
    followed = await desk.rows(
        "SELECT sequence FROM scheduler.enrollments WHERE lead_id = :lead AND id <> :run",
        lead=lead.lead_id, run=run,
    )  # fmt: skip
    assert [row["sequence"] for row in followed] == list(played.enters)


async def test_reminders_move_with_their_appointment_as_simulated(desk, say):
    """Booked, moved by a week after the first reminder: the same in both, no reminder twice."""
    await desk.publish_sequence(REMINDERS, key="remind")
    lead = await desk.lead()
    start = desk.clock()
    run = await desk.enter(lead, "remind")
    assert await desk.touches(run) == []
    first, second = start + timedelta(days=6), start + timedelta(days=13)
    learned = [
        Learned(start + timedelta(hours=1), known(first), "appointment.booked"),
        Learned(first - timedelta(hours=20), known(second), "appointment.rescheduled"),
    ]
    facts = await facts_of(desk, lead, run)
    played = simulate(parse(REMINDERS), facts, start=start, happenings=learned, lead_id=run)
    for told, event in zip(learned, (AppointmentBooked, AppointmentRescheduled), strict=True):
        await live(desk, say, days=(told.at - desk.clock()) / timedelta(days=1))
        await product(desk, lead, told.attributes["appointment"], event)
    await live(desk, say, days=20)
    assert await went(desk, run) == would(played)
    assert [step for *_, step in would(played)] == ["day", "day", "hours"]


def known(at):
    return {"appointment": {"id": "a", "starts_at": at.isoformat(), "state": "booked"}}


async def product(desk, lead, appointment, event):
    async with desk.databases.worker.transaction() as tx:
        await set_appointment(tx, lead.tenant_id, lead.lead_id, appointment)
    told = event(
        lead_id=lead.lead_id,
        person_id=lead.person_id,
        appointment_id="a",
        starts_at=appointment["starts_at"],
        at=desk.clock(),
    )
    await desk.tell(desk.product, told)


async def test_a_sequence_that_repeats_for_years_looks_at_little(desk, say):
    """Two years of months: a touch a month, and each decision reads two times round."""
    await desk.publish_sequence(MONTHLY, key="monthly")
    lead = await desk.lead()
    run = await desk.enter(lead, "monthly")
    await live(desk, say, days=730)
    sent = await went(desk, run)
    assert len(sent) == 24
    assert [content for _, _, content, _ in sent[:3]] == ["one", "two", "one"]
    async with desk.databases.worker.transaction() as tx:
        (loaded,) = (await desk.runs.load(tx, [run])).values()
    assert len(loaded.touches) <= 2


async def test_what_changes_nothing_moves_nothing(desk, say):
    """A changed stage or a repeated enquiry leaves what is planned where it is."""
    lead = await desk.lead()
    run = await desk.enter(lead, "d1")
    await answer(desk, say)
    before = await desk.touches(run)
    about = {"lead_id": lead.lead_id, "person_id": lead.person_id, "at": desk.clock()}
    await desk.tell(desk.product, DealStageChanged(**about, stage="quoted"))
    await desk.tell(desk.product, LeadUpdated(**about, changed=("repeated",)))
    await desk.tell(desk.product, LeadUpdated(**about, changed=("external",)))
    assert await desk.touches(run) == before
