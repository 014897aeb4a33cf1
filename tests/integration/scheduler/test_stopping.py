import asyncio
from datetime import timedelta

import pytest

from followup_contracts.events import (
    AppointmentBooked,
    AppointmentCompleted,
    ContactOptedIn,
    ContactOptedOut,
    DealStageChanged,
    LeadConverted,
)
from followup_database import new_id
from followup_suppression import epochs, holds_of, place_hold
from followup_testkit.waiting import until

_WAITING = """
SELECT 1 FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE a.datname = current_database() AND NOT l.granted
"""


async def _epoch(desk, run):
    async with desk.databases.worker.transaction() as tx:
        return (await epochs(tx, [run]))[run]


async def _assert_stopped(desk, run, *, state, reason):
    """Ended or waiting, with nothing left to go out and the fence's epoch raised."""
    row = await desk.run(run)
    assert (row["state"], row["end_reason"]) == (state, reason)
    assert {touch["state"] for touch in await desk.touches(run)} == {"cancelled"}
    for touch in await desk.touches(run):
        assert await desk.timer(touch["id"]) is None
        assert not touch["outstanding"]
    assert row["epoch"] == 1
    assert await _epoch(desk, run) == 1


async def test_an_interested_reply_halts_with_a_task(desk, say):
    """Everything open is cancelled, a person gets the task, everybody is told."""
    lead, run = await desk.enrolled()
    await desk.tell(desk.replies, say.reply(lead, at=desk.clock()))
    await _assert_stopped(desk, run, state="halted", reason="interested")
    (task,) = await desk.rows("SELECT * FROM scheduler.tasks")
    assert (task["enrollment_id"], task["state"]) == (run, "open")
    (created,) = await desk.events("task.created")
    assert created["task_id"] == str(task["id"])
    (halted,) = await desk.events("sequence.halted")
    assert halted["reason"] == "interested"


async def test_a_question_holds_until_a_person_resumes(desk, say):
    """Held is not ended: nothing is planned meanwhile."""
    lead, run = await desk.enrolled()
    await desk.tell(desk.replies, say.reply(lead, at=desk.clock(), intent="question"))
    await _assert_stopped(desk, run, state="held", reason=None)
    assert await desk.timer(run) is None


async def test_the_hold_goes_with_the_decision(desk, say):
    """It stands until the transaction that decides; another reply's hold stays."""
    lead, _ = await desk.enrolled()
    heard = say.reply(lead, at=desk.clock(), intent="auto_reply")
    other = new_id()
    async with desk.databases.worker.transaction() as tx:
        await place_hold(tx, desk.tenant.id, lead.person_id, heard.reply_id)
        await place_hold(tx, desk.tenant.id, lead.person_id, other)
    await desk.tell(desk.replies, heard)
    async with desk.databases.worker.transaction() as tx:
        assert await holds_of(tx, [lead.person_id]) == {lead.person_id: frozenset({other})}


@pytest.mark.parametrize("live", [True, False])
async def test_the_hold_of_an_opt_out_goes_with_the_decision(desk, live):
    """Named by the event's message; with or without a run to halt."""
    lead = (await desk.enrolled())[0] if live else await desk.lead()
    told = desk.message(
        ContactOptedOut(person_id=lead.person_id, channel="email", via="link", at=desk.clock())
    )
    async with desk.databases.worker.transaction() as tx:
        await place_hold(tx, desk.tenant.id, lead.person_id, told.id)
        await desk.replies(tx, [told])
        assert await holds_of(tx, [lead.person_id]) == {}


async def test_a_hold_goes_even_where_nothing_is_left_to_decide(desk, say):
    """A person without a live run must not be on hold for ever; the journal has the reply."""
    lead = await desk.lead()
    heard = say.reply(lead, at=desk.clock())
    async with desk.databases.worker.transaction() as tx:
        await place_hold(tx, desk.tenant.id, lead.person_id, heard.reply_id)
    await desk.tell(desk.replies, heard)
    async with desk.databases.worker.transaction() as tx:
        assert await holds_of(tx, [lead.person_id]) == {}
    (line,) = await desk.rows("SELECT * FROM scheduler.journal")
    assert (line["what"], line["lead_id"]) == ("reply received", lead.lead_id)


async def test_an_automatic_answer_changes_nothing(desk, say):
    """The run goes on with the same epoch."""
    lead, run = await desk.enrolled()
    before = await desk.touches(run)
    await desk.tell(desk.replies, say.reply(lead, at=desk.clock(), intent="auto_reply"))
    assert await desk.touches(run) == before
    assert (await desk.run(run))["epoch"] == 0


async def test_out_of_office_goes_on_after_its_date(desk, say):
    """Paused until the date, then the step is planned again as a new occurrence."""
    lead, run = await desk.enrolled()
    back = (desk.clock() + timedelta(days=2)).date()
    await desk.tell(
        desk.replies, say.reply(lead, at=desk.clock(), intent="out_of_office", until=back)
    )
    paused = await desk.run(run)
    assert paused["state"] == "paused"
    assert paused["resume_at"].date() > back
    desk.clock.jump((await desk.timer(run))["due_at"])
    await desk.timers.run_once()
    resumed = await desk.run(run)
    assert resumed["state"] == "active"
    again = await desk.touch(run, "sms")
    assert (again["state"], again["occurrence"], again["epoch"]) == ("planned", 1, resumed["epoch"])


async def test_an_opt_out_ends_every_run_of_the_person(desk):
    """By whatever channel it came."""
    lead, run = await desk.enrolled()
    await desk.tell(
        desk.replies,
        ContactOptedOut(person_id=lead.person_id, channel="sms", via="keyword", at=desk.clock()),
    )
    await _assert_stopped(desk, run, state="halted", reason="opted_out")


async def test_words_of_unknown_people_and_opt_ins_start_nothing(desk):
    """An opt-in brings no ended run back."""
    lead, run = await desk.enrolled()
    await desk.tell(
        desk.replies,
        ContactOptedOut(person_id=None, channel="sms", via="keyword", at=desk.clock()),
    )
    assert (await desk.run(run))["state"] == "active"
    await desk.tell(
        desk.replies,
        ContactOptedOut(person_id=lead.person_id, channel="sms", via="keyword", at=desk.clock()),
        ContactOptedIn(person_id=lead.person_id, channel="sms", via="keyword", at=desk.clock()),
    )
    assert (await desk.run(run))["state"] == "halted"


@pytest.mark.parametrize("kind", ["converted", "booked"])
async def test_a_lead_that_is_won_ends_its_sequence(desk, kind):
    """A sale and a booking both stop the follow-up, with the reason kept."""
    lead, run = await desk.enrolled()
    ids = {"lead_id": lead.lead_id, "person_id": lead.person_id, "at": desk.clock()}
    event = (
        LeadConverted(**ids)
        if kind == "converted"
        else AppointmentBooked(
            **ids, appointment_id="a1", starts_at=desk.clock() + timedelta(days=1)
        )
    )
    await desk.tell(desk.product, event)
    await _assert_stopped(desk, run, state="halted", reason=kind)


async def test_other_news_of_the_product_is_written_down(desk):
    """A deal's stage belongs into the journal and changes no run."""
    lead, run = await desk.enrolled()
    await desk.tell(
        desk.product,
        DealStageChanged(
            lead_id=lead.lead_id, person_id=lead.person_id, stage="offer", at=desk.clock()
        ),
    )
    lines = await desk.rows("SELECT what, why FROM scheduler.journal WHERE enrollment_id IS NULL")
    assert lines == [{"what": "deal stage changed", "why": {"stage": "offer"}}]
    assert (await desk.run(run))["state"] == "active"


async def test_a_touch_sent_before_the_stop_reached_it_counts_as_sent(desk, say):
    """The truth of what went out is kept though the run has ended."""
    lead, run = await desk.enrolled()
    touch = await desk.touch(run, "sms")
    await desk.tell(desk.replies, say.reply(lead, at=desk.clock(), intent="not_interested"))
    await desk.send(touch)
    assert (await desk.touch(run, "sms"))["state"] == "sent"
    assert (await desk.run(run))["state"] == "halted"


async def test_superseded_commands_change_nothing(desk, say):
    """The dispatcher's refusal of a command that a stop overtook finds the touch cancelled."""
    lead, run = await desk.enrolled()
    touch = await desk.touch(run, "sms")
    await desk.tell(desk.replies, say.reply(lead, at=desk.clock(), intent="not_interested"))
    before = await desk.touches(run)
    await desk.tell(desk.outcomes, say.skipped(touch, at=desk.clock(), rule="superseded"))
    assert await desk.touches(run) == before


async def test_replies_twice_and_after_the_end_change_nothing(desk, say):
    """The first decision stands, with one task and one epoch."""
    lead, run = await desk.enrolled()
    heard = say.reply(lead, at=desk.clock())
    await desk.tell(desk.replies, heard)
    await desk.tell(desk.replies, heard)
    await desk.tell(desk.replies, say.reply(lead, at=desk.clock(), intent="not_interested"))
    await _assert_stopped(desk, run, state="halted", reason="interested")
    assert len(await desk.rows("SELECT id FROM scheduler.tasks")) == 1


async def test_a_reply_reaches_the_runs_of_every_person_it_turns_out_to_be(desk, say):
    """Two persons found to be one: what one says stops the runs of both."""
    by_phone, first = await desk.enrolled(email=None)
    by_mail, second = await desk.enrolled(phone_e164=None)
    both = await desk.lead(phone_e164=by_phone.phone_e164, email=by_mail.email)
    rows = await desk.rows("SELECT person_id FROM people.leads WHERE id = :id", id=both.lead_id)
    survivor = rows[0]["person_id"]
    heard = say.reply(by_phone, at=desk.clock(), intent="not_interested", person_id=survivor)
    await desk.tell(desk.replies, heard)
    assert (await desk.run(first))["end_reason"] == "not_interested"
    assert (await desk.run(second))["end_reason"] == "not_interested"


async def test_contacts_of_other_runs_count_for_the_caps(desk, say):
    """One text a day for one person, whichever run sends it."""
    lead, run = await desk.enrolled()
    await desk.send(await desk.touch(run, "sms"))
    await desk.tell(desk.replies, say.reply(lead, at=desk.clock(), intent="not_interested"))
    again = await desk.lead(phone_e164=lead.phone_e164, email=lead.email)
    await desk.tell(desk.captured, say.captured(again, person_id=lead.person_id))
    (row,) = await desk.rows(
        "SELECT id FROM scheduler.enrollments WHERE lead_id = :lead", lead=again.lead_id
    )
    text = await desk.touch(row["id"], "sms")
    assert text["state"] == "planned"
    assert text["due_at"].date() > desk.clock().date()
    assert any("R1" in why for why in text["trace"][0]["moved_by"])


async def test_a_reply_after_the_end_is_a_persons_to_read(desk, say):
    """Nobody is left to decide: a question becomes a task, once, and a refusal none."""
    lead, _ = await desk.enrolled()
    await desk.tell(desk.replies, say.reply(lead, at=desk.clock(), intent="not_interested"))
    heard = say.reply(lead, at=desk.clock(), intent="question")
    await desk.tell(desk.replies, heard)
    await desk.tell(desk.replies, heard)
    await desk.tell(desk.replies, say.reply(lead, at=desk.clock(), intent="already_bought"))
    (task,) = await desk.rows("SELECT * FROM scheduler.tasks")
    assert (task["kind"], task["enrollment_id"]) == ("answer_question", None)
    (created,) = await desk.events("task.created")
    assert created["task_id"] == str(task["id"])


PRODUCT = {
    "converted": lambda about: LeadConverted(**about, kind="deal"),
    "booked": lambda about: AppointmentBooked(**about, appointment_id="a", starts_at=about["at"]),
    "completed": lambda about: AppointmentCompleted(
        **about, appointment_id="a", starts_at=about["at"]
    ),
}


@pytest.mark.parametrize("event", PRODUCT.values(), ids=PRODUCT)
async def test_the_hold_of_a_product_event_goes_with_the_decision(desk, event):
    """Whether it halts or only stands in the journal; another's hold stays."""
    lead, _ = await desk.enrolled()
    about = {"lead_id": lead.lead_id, "person_id": lead.person_id, "at": desk.clock()}
    message, other = desk.message(event(about)), new_id()
    async with desk.databases.worker.transaction() as tx:
        await place_hold(tx, desk.tenant.id, lead.person_id, message.id)
        await place_hold(tx, desk.tenant.id, lead.person_id, other)
        await desk.product(tx, [message])
        assert await holds_of(tx, [lead.person_id]) == {lead.person_id: frozenset({other})}


async def test_a_sale_beside_an_enrolment_ends_what_that_begins(desk, say):
    """The lead was read as open and is being enrolled while its sale is decided on."""
    lead = await desk.lead()
    sold = LeadConverted(
        lead_id=lead.lead_id, person_id=lead.person_id, at=desk.clock(), kind="deal"
    )
    async with desk.databases.worker.transaction() as enrolling:
        await desk.captured(enrolling, [desk.message(say.captured(lead))])
        deciding = asyncio.create_task(desk.tell(desk.product, sold))
        await until(lambda: desk.rows(_WAITING), what="the sale waits for the enrolment")
    await deciding
    (run,) = await desk.rows("SELECT id FROM scheduler.enrollments")
    await _assert_stopped(desk, run["id"], state="halted", reason="converted")
