"""A lead and what the product says of it come by two queues: their order decides nothing."""

import asyncio
from datetime import timedelta

import pytest

from followup_contracts.events import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentRescheduled,
    DealStageChanged,
    LeadConverted,
)
from followup_people import set_appointment, set_deal, set_lead_state
from followup_testkit.waiting import until

STATES = {
    AppointmentBooked: "booked",
    AppointmentRescheduled: "booked",
    AppointmentCancelled: "cancelled",
}
WAITING = """
SELECT 1 FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE a.datname = current_database() AND NOT l.granted
"""
PASSES_ON = """
format: 1
key: passing
name: Passes on who has booked
steps:
  - id: hello
    at: {after: 0m, window: at_once}
    touches: [{channel: sms, template: hello}]
on:
  appointment.booked: {do: switch, to: a3}
templates:
  hello: {text: 'Hi {{ person.first_name | default: "there" }}, shall we come and look?'}
"""


def _appointment(desk, lead, kind, *, days):
    return kind(
        lead_id=lead.lead_id,
        person_id=lead.person_id,
        appointment_id="a1",
        starts_at=desk.clock() + timedelta(days=days),
        at=desk.clock(),
    )


def _sold(desk, lead):
    return LeadConverted(lead_id=lead.lead_id, person_id=lead.person_id, at=desk.clock())


async def _keep(desk, event):
    """Keep an event's news with its lead, as intake does before anybody hears of it."""
    about = desk.tenant.id, event.lead_id
    async with desk.databases.worker.transaction() as tx:
        match event:
            case LeadConverted():
                await set_lead_state(tx, *about, "converted")
            case DealStageChanged():
                await set_deal(tx, *about, {"stage": event.stage})
            case _:
                known = {
                    "id": event.appointment_id,
                    "starts_at": event.starts_at.isoformat(),
                    "state": STATES[type(event)],
                }
                await set_appointment(tx, *about, known)


async def _lead_first(desk, captured, *events):
    await desk.tell(desk.captured, captured)
    for event in events:
        await _keep(desk, event)
        await desk.tell(desk.product, event)


async def _events_first(desk, captured, *events):
    for event in events:
        await _keep(desk, event)
        await desk.tell(desk.product, event)
    await desk.tell(desk.captured, captured)


async def _known_but_not_heard(desk, captured, *events):
    """Intake has kept the news; the scheduler reads the lead before it reads them."""
    for event in events:
        await _keep(desk, event)
    await desk.tell(desk.captured, captured)
    for event in events:
        await desk.tell(desk.product, event)


ORDERS = {
    "lead first": _lead_first,
    "events first": _events_first,
    "known, not heard": _known_but_not_heard,
}
either_order = pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)


async def _runs(desk, lead):
    return await desk.rows(
        "SELECT id, sequence, state, end_reason FROM scheduler.enrollments"
        " WHERE lead_id = :lead ORDER BY id",
        lead=lead.lead_id,
    )


async def _wanted(desk, run):
    """What is planned or asked for: step, channel and moment."""
    return [
        (touch["step"], touch["channel"], touch["due_at"])
        for touch in await desk.touches(run["id"])
        if touch["state"] in ("planned", "commanded")
    ]


@pytest.mark.parametrize("sequence", ["a3", "a7", "a8"])
@either_order
async def test_a_booking_right_behind_its_lead_is_confirmed_or_waited_for(
    desk, say, order, sequence
):
    """A3, A7, A8: whichever is heard of first, the first touch is the same, and due the same."""
    lead = await desk.lead()
    booked = _appointment(desk, lead, AppointmentBooked, days=6)
    await order(desk, say.captured(lead, sequence=sequence), booked)
    (run,) = await _runs(desk, lead)
    assert (run["sequence"], run["state"]) == (sequence, "active")
    first = {
        "a3": ("day-before", "sms", booked.starts_at - timedelta(hours=24)),
        "a7": ("confirmed", "sms", desk.clock()),
        "a8": ("booked", "sms", desk.clock()),
    }
    assert await _wanted(desk, run) == [first[sequence]]


@either_order
async def test_who_has_booked_is_not_pursued(desk, say, order):
    """D1 is over for whoever has an appointment, and nothing of it is left to go out."""
    lead = await desk.lead()
    await order(desk, say.captured(lead), _appointment(desk, lead, AppointmentBooked, days=6))
    (run,) = await _runs(desk, lead)
    assert (run["state"], run["end_reason"]) == ("halted", "booked")
    assert await _wanted(desk, run) == []
    assert await desk.rows("SELECT * FROM scheduler.timers") == []


async def test_nothing_is_asked_for_of_a_lead_that_was_booked_before(desk, say):
    """Not even the touch that leaves with the enrolling transaction."""
    lead = await desk.lead()
    booked = _appointment(desk, lead, AppointmentBooked, days=6)
    await _events_first(desk, say.captured(lead), booked)
    (run,) = await _runs(desk, lead)
    rounds = {touch["round"] for touch in await desk.touches(run["id"])}
    assert rounds == {0}


@either_order
async def test_what_a_document_says_of_a_booking_is_done(desk, say, order):
    """It passes the lead on to the reminders, which wait for the appointment's eve."""
    await desk.publish_sequence(PASSES_ON, key="passing")
    lead = await desk.lead()
    booked = _appointment(desk, lead, AppointmentBooked, days=6)
    await order(desk, say.captured(lead, sequence="passing"), booked)
    passing, reminders = await _runs(desk, lead)
    assert (passing["sequence"], passing["end_reason"]) == ("passing", "appointment_booked")
    assert (reminders["sequence"], reminders["state"]) == ("a3", "active")
    (planned,) = await _wanted(desk, reminders)
    assert planned == ("day-before", "sms", booked.starts_at - timedelta(hours=24))


@either_order
async def test_a_booking_that_was_taken_back_is_not_confirmed(desk, say, order):
    """Booked and cancelled at once: nobody is told that a table is laid."""
    lead = await desk.lead()
    booked = _appointment(desk, lead, AppointmentBooked, days=6)
    cancelled = _appointment(desk, lead, AppointmentCancelled, days=6)
    await order(desk, say.captured(lead, sequence="a7"), booked, cancelled)
    (run,) = await _runs(desk, lead)
    assert (run["state"], run["end_reason"]) == ("halted", "cancelled")
    assert await _wanted(desk, run) == []


@either_order
async def test_the_last_date_of_an_appointment_counts(desk, say, order):
    """Booked and moved at once: reminded before the second date, once."""
    lead = await desk.lead()
    booked = _appointment(desk, lead, AppointmentBooked, days=6)
    moved = _appointment(desk, lead, AppointmentRescheduled, days=9)
    await order(desk, say.captured(lead, sequence="a3"), booked, moved)
    (run,) = await _runs(desk, lead)
    (planned,) = await _wanted(desk, run)
    assert planned == ("day-before", "sms", moved.starts_at - timedelta(hours=24))


@pytest.mark.parametrize("order", [_lead_first, _events_first], ids=["lead first", "sale first"])
@pytest.mark.parametrize(
    ("sequence", "becomes"), [("d1", ("halted", "converted")), ("a6", ("active", None))]
)
async def test_a_sale_ends_what_pursues_and_nothing_else(desk, say, order, sequence, becomes):
    """Heard of before the lead or after it; what accompanies customers goes on."""
    lead = await desk.lead()
    await order(desk, say.captured(lead, sequence=sequence), _sold(desk, lead))
    (run,) = await _runs(desk, lead)
    assert (run["state"], run["end_reason"]) == becomes


async def test_what_happened_before_is_told_once(desk, say):
    """A stage, then the booking, then the lead twice: one run, each line once."""
    lead = await desk.lead()
    stage = DealStageChanged(
        lead_id=lead.lead_id, person_id=lead.person_id, at=desk.clock(), stage="quoted"
    )
    booked = _appointment(desk, lead, AppointmentBooked, days=6)
    await _events_first(desk, say.captured(lead, sequence="a7"), stage, booked)
    await desk.tell(desk.captured, say.captured(lead, sequence="a7"))
    (run,) = await _runs(desk, lead)
    assert len(await desk.touches(run["id"])) == 1
    lines = await desk.rows(
        "SELECT what FROM scheduler.journal WHERE lead_id = :lead ORDER BY id", lead=lead.lead_id
    )
    assert [line["what"] for line in lines] == [
        "deal stage changed",
        "appointment booked",
        "enrolled in a7, version 1",
        "not enrolled",
    ]


async def test_a_booking_beside_the_enrolment_is_heard(desk, say):
    """Decided on while the lead is being enrolled: it waits for that, and is told to it."""
    lead = await desk.lead()
    booked = _appointment(desk, lead, AppointmentBooked, days=6)
    async with desk.databases.worker.transaction() as enrolling:
        await desk.captured(enrolling, [desk.message(say.captured(lead, sequence="a7"))])
        await _keep(desk, booked)
        deciding = asyncio.create_task(desk.tell(desk.product, booked))
        await until(lambda: desk.rows(WAITING), what="the booking waits for the enrolment")
    await deciding
    (run,) = await _runs(desk, lead)
    assert await _wanted(desk, run) == [("confirmed", "sms", desk.clock())]
