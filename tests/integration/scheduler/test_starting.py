"""Sequences that start by an event of the product: who enters, when, and how often."""

from datetime import timedelta

import pytest

from followup_contracts.events import (
    AppointmentBooked,
    AppointmentCancelled,
    DealStageChanged,
    LeadConverted,
)
from followup_people import set_appointment, set_deal, set_lead_state
from followup_scheduler.core.library import library

STATES = {AppointmentBooked: "booked", AppointmentCancelled: "cancelled"}
HELLO = 'Hi {{ person.first_name | default: "there" }}, shall we come and look?'
PROPOSAL = f"""
format: 1
key: proposal
name: After the proposal
starts:
  - event: deal.stage_changed
    when: {{fact: {{name: deal.stage, is: proposal}}}}
  - event: lead.converted
    when: {{fact: {{name: deal.value, above: 10000}}}}
steps:
  - id: hello
    at: {{after: 0m, window: at_once}}
    touches: [{{channel: sms, template: hello}}]
templates:
  hello: {{text: '{HELLO}'}}
"""

ASKS = """
format: 1
key: asks
name: Asks a person first
starts: [{event: appointment.booked}]
on:
  appointment.cancelled: {do: halt, reason: cancelled}
steps:
  - id: hello
    at: {after: 0m, window: at_once}
    touches: [{channel: sms, template: hello, approval: required, draft: model}]
templates:
  hello: {text: 'Hi {{ person.first_name | default: "there" }}, shall we come and look?'}
"""


def starting(key, name):
    """A copy of a sequence of the library that bookings start."""
    source = library()[key].replace(f"key: {key}\n", f"key: {name}\n", 1)
    return source.replace("\nsteps:\n", "\nstarts: [{event: appointment.booked}]\n\nsteps:\n", 1)


def appointment(desk, lead, kind, *, days=6, id_="a1"):
    return kind(
        lead_id=lead.lead_id,
        person_id=lead.person_id,
        appointment_id=id_,
        starts_at=desk.clock() + timedelta(days=days),
        at=desk.clock(),
    )


def stage(desk, lead, name, *, ago=timedelta(0)):
    about = {"lead_id": lead.lead_id, "person_id": lead.person_id, "at": desk.clock() - ago}
    return DealStageChanged(**about, stage=name)


def sale(desk, lead):
    return LeadConverted(lead_id=lead.lead_id, person_id=lead.person_id, at=desk.clock())


async def happens(desk, *events):
    """Keep what events say with their leads, as intake does, and handle them."""
    for event in events:
        async with desk.databases.worker.transaction() as tx:
            if isinstance(event, DealStageChanged):
                await set_deal(tx, desk.tenant.id, event.lead_id, {"stage": event.stage})
            elif isinstance(event, LeadConverted):
                await set_lead_state(tx, desk.tenant.id, event.lead_id, "converted")
            else:
                known = {
                    "id": event.appointment_id,
                    "starts_at": event.starts_at.isoformat(),
                    "state": STATES[type(event)],
                }
                await set_appointment(tx, desk.tenant.id, event.lead_id, known)
    await desk.tell(desk.product, *events)


async def runs(desk, lead):
    rows = await desk.rows(
        "SELECT id, sequence, version, state, end_reason, memory FROM scheduler.enrollments"
        " WHERE lead_id = :lead ORDER BY sequence, id",
        lead=lead.lead_id,
    )
    return {row["sequence"]: row for row in rows}


async def states(desk, lead):
    return {key: (run["state"], run["end_reason"]) for key, run in (await runs(desk, lead)).items()}


async def test_whoever_books_is_reminded(desk):
    """D1 is over, the reminders begin with their anchor known, and the run says by what."""
    await desk.publish_sequence(starting("a3", "remind"), key="remind")
    lead, _ = await desk.enrolled()
    booked = appointment(desk, lead, AppointmentBooked)
    await happens(desk, booked)
    assert await states(desk, lead) == {"d1": ("halted", "booked"), "remind": ("active", None)}
    run = (await runs(desk, lead))["remind"]
    assert run["memory"]["started_by"] == "appointment.booked"
    (touch,) = await desk.touches(run["id"])
    assert (touch["step"], touch["due_at"]) == (
        "day-before",
        booked.starts_at - timedelta(hours=24),
    )


async def test_what_a_booking_starts_goes_out_at_once(desk):
    """The confirmation is asked for by the very transaction that hears of the booking."""
    await desk.publish_sequence(starting("a7", "table"), key="table")
    lead, _ = await desk.enrolled()
    await happens(desk, appointment(desk, lead, AppointmentBooked))
    run = (await runs(desk, lead))["table"]
    assert (await desk.touch(run["id"], "sms", "confirmed"))["state"] == "commanded"


@pytest.mark.parametrize("lead_first", [True, False], ids=["lead first", "booking first"])
@pytest.mark.parametrize("own", [None, "table"], ids=["d1", "the same"])
async def test_the_order_of_a_lead_and_its_booking_decides_nothing(desk, say, lead_first, own):
    """Also where the lead was to enter the very sequence that its booking starts."""
    await desk.publish_sequence(starting("a7", "table"), key="table")
    lead = await desk.lead()
    captured = say.captured(lead) if own is None else say.captured(lead, sequence=own)
    if lead_first:
        await desk.tell(desk.captured, captured)
    await happens(desk, appointment(desk, lead, AppointmentBooked))
    if not lead_first:
        await desk.tell(desk.captured, captured)
    entered = {"table": ("active", None)} | ({} if own else {"d1": ("halted", "booked")})
    assert await states(desk, lead) == entered
    touches = await desk.touches((await runs(desk, lead))["table"]["id"])
    assert [(t["step"], t["due_at"]) for t in touches] == [("confirmed", desk.clock())]


async def test_another_enquiry_of_somebody_under_way_still_enters_nothing(desk, say):
    """What an event has begun for one lead counts for the person's next one."""
    await desk.publish_sequence(starting("a3", "remind"), key="remind")
    first = await desk.lead()
    await happens(desk, appointment(desk, first, AppointmentBooked))
    second = await desk.lead(phone_e164=first.phone_e164, email=first.email)
    await desk.tell(desk.captured, say.captured(second, person_id=first.person_id))
    assert await runs(desk, second) == {}


async def test_conditions_are_held_against_what_is_known_then(desk):
    """The stage that the event tells, and what the lead is worth."""
    await desk.publish_sequence(PROPOSAL, key="proposal")
    told, rich, poor = [await desk.lead(value=value) for value in (None, "20000", "20")]
    await happens(desk, stage(desk, told, "visited"))
    assert await runs(desk, told) == {}
    await happens(desk, stage(desk, told, "proposal"))
    assert await states(desk, told) == {"proposal": ("active", None)}
    for lead in (rich, poor):
        await happens(desk, sale(desk, lead))
    assert await states(desk, rich) == {"proposal": ("active", None)}
    assert await runs(desk, poor) == {}


async def test_a_second_booking_finds_the_first_still_running(desk):
    """In one batch or later; the journal says why nobody entered again."""
    await desk.publish_sequence(starting("a7", "table"), key="table")
    lead = await desk.lead()
    booked = appointment(desk, lead, AppointmentBooked)
    await happens(desk, booked, appointment(desk, lead, AppointmentBooked, id_="a2"))
    await happens(desk, appointment(desk, lead, AppointmentBooked, id_="a3"))
    assert len(await desk.rows("SELECT id FROM scheduler.enrollments")) == 1
    (line,) = await desk.rows("SELECT why FROM scheduler.journal WHERE what = 'not enrolled'")
    assert line["why"] == {
        "sequence": "table",
        "event": "appointment.booked",
        "reason": "the lead is in it still",
    }


@pytest.mark.parametrize(("reenroll", "times"), [("always", 2), ("never", 1)])
async def test_who_has_been_in_it_enters_again_as_the_document_allows(desk, reenroll, times):
    """Booked, cancelled and booked once more."""
    source = starting("a7", "table").replace("reenroll: always", f"reenroll: {reenroll}")
    await desk.publish_sequence(source, key="table")
    lead = await desk.lead()
    await happens(desk, appointment(desk, lead, AppointmentBooked))
    await happens(desk, appointment(desk, lead, AppointmentCancelled))
    await happens(desk, appointment(desk, lead, AppointmentBooked, id_="a2", days=9))
    rows = await desk.rows("SELECT state FROM scheduler.enrollments ORDER BY run")
    assert [row["state"] for row in rows] == ["halted", "active"][:times]


async def test_what_is_in_force_counts(desk):
    """Neither a draft nor a version that was replaced starts by anything."""
    await desk.publish_sequence(starting("a3", "remind"), key="remind")
    lead, other = await desk.lead(), await desk.lead()
    await happens(desk, appointment(desk, lead, AppointmentBooked))
    assert (await runs(desk, lead))["remind"]["version"] == 1
    plain = starting("a3", "remind").replace("starts: [{event: appointment.booked}]\n", "")
    for version, source, state in (
        (2, plain, "published"),
        (3, starting("a3", "remind"), "draft"),
    ):
        async with desk.databases.worker.transaction() as tx:
            await desk.runs.book.add(
                tx, desk.tenant.id, source, key="remind", version=version, state=state
            )
    await happens(desk, appointment(desk, other, AppointmentBooked))
    assert await runs(desk, other) == {}


async def test_the_sequences_of_others_start_nothing(desk):
    """Another tenant's booking enters none of ours, nor a lead named by a stranger."""
    await desk.publish_sequence(starting("a3", "remind"), key="remind")
    stranger = await desk.other_tenant()
    theirs = starting("a7", "theirs")
    async with desk.databases.worker.transaction() as tx:
        await desk.runs.book.add(tx, stranger, theirs, key="theirs", version=1, state="published")
    foreign, own = await desk.lead(tenant_id=stranger), await desk.lead()
    for lead in (foreign, own):
        booked = appointment(desk, lead, AppointmentBooked)
        await desk.tell(desk.product, booked, tenant_id=stranger)
    entered = await desk.rows("SELECT tenant_id, lead_id, sequence FROM scheduler.enrollments")
    assert entered == [{"tenant_id": stranger, "lead_id": foreign.lead_id, "sequence": "theirs"}]


async def test_a_lead_that_is_gone_enters_nothing(desk):
    """Erased before its event was heard."""
    await desk.publish_sequence(starting("a3", "remind"), key="remind")
    lead = await desk.lead()
    await desk.rows("DELETE FROM people.leads WHERE id = :id RETURNING id", id=lead.lead_id)
    await desk.tell(desk.product, appointment(desk, lead, AppointmentBooked))
    assert await desk.rows("SELECT id FROM scheduler.enrollments") == []


async def refusals(desk):
    """Why leads were not entered, by the journal."""
    lines = await desk.rows("SELECT why FROM scheduler.journal WHERE what = 'not enrolled'")
    return [line["why"] for line in lines]


async def rounds(desk):
    """How often touches were asked for."""
    return [row["round"] for row in await desk.rows("SELECT round FROM scheduler.touches")]


async def together(desk, *events):
    await happens(desk, *events)


async def one_by_one(desk, *events):
    for event in events:
        await happens(desk, event)


@pytest.mark.parametrize("told", [together, one_by_one])
async def test_a_sale_behind_the_stage_ends_what_the_stage_began(desk, told):
    """Whoever has bought is not pursued, though stage and sale are heard of at once."""
    await desk.publish_sequence(PROPOSAL, key="proposal")
    lead = await desk.lead()
    proposed = stage(desk, lead, "proposal", ago=timedelta(minutes=1))
    await told(desk, proposed, sale(desk, lead))
    assert await states(desk, lead) == {"proposal": ("halted", "converted")}
    (run,) = (await runs(desk, lead)).values()
    assert {touch["state"] for touch in await desk.touches(run["id"])} == {"cancelled"}


@pytest.mark.parametrize(("ago", "entered"), [(1, {}), (-1, {"proposal": ("active", None)})])
async def test_a_stage_that_is_heard_of_behind_the_sale_begins_nothing(desk, ago, entered):
    """Where it is the older of the two: who has bought may come to a stage later on."""
    await desk.publish_sequence(PROPOSAL, key="proposal")
    lead = await desk.lead()
    proposed = stage(desk, lead, "proposal", ago=timedelta(minutes=ago))
    await one_by_one(desk, sale(desk, lead), proposed)
    assert await states(desk, lead) == entered
    why = {"sequence": "proposal", "event": "deal.stage_changed"}
    reason = {"reason": "the lead has been won since"}
    assert await refusals(desk) == ([] if entered else [why | reason])


async def test_who_is_opened_again_enters(desk):
    """A sale that came to nothing keeps nobody out."""
    await desk.publish_sequence(PROPOSAL, key="proposal")
    lead = await desk.lead()
    proposed = stage(desk, lead, "proposal", ago=timedelta(minutes=1))
    await happens(desk, sale(desk, lead))
    async with desk.databases.worker.transaction() as tx:
        await set_lead_state(tx, desk.tenant.id, lead.lead_id, "open")
    await happens(desk, proposed)
    assert await states(desk, lead) == {"proposal": ("active", None)}


async def test_a_table_that_is_cancelled_at_once_is_not_confirmed(desk):
    """Booked and cancelled in one batch: nothing has been asked for."""
    await desk.publish_sequence(starting("a7", "table"), key="table")
    lead = await desk.lead()
    booked, cancelled = [
        appointment(desk, lead, kind) for kind in (AppointmentBooked, AppointmentCancelled)
    ]
    await happens(desk, booked, cancelled)
    assert await states(desk, lead) == {"table": ("halted", "cancelled")}
    assert await rounds(desk) == [0]


async def test_a_booking_that_is_heard_of_behind_its_cancellation_starts_nothing(desk):
    """They come in two batches, the later one first: nobody confirms a table that is given up; the
    timeline says why. Of another booking the cancellation says nothing."""
    await desk.publish_sequence(starting("a7", "table"), key="table")
    lead = await desk.lead()
    booked, cancelled = [
        appointment(desk, lead, kind) for kind in (AppointmentBooked, AppointmentCancelled)
    ]
    await happens(desk, cancelled)
    await desk.tell(desk.product, booked)
    assert await states(desk, lead) == {}
    (line,) = await desk.rows("SELECT why FROM scheduler.journal WHERE what = 'not enrolled'")
    assert line["why"]["reason"] == "the appointment has been cancelled since"
    await happens(desk, appointment(desk, lead, AppointmentBooked, id_="a2", days=9))
    assert await states(desk, lead) == {"table": ("active", None)}


@pytest.mark.parametrize("told", [together, one_by_one])
async def test_a_table_that_is_booked_once_more_is_confirmed(desk, told):
    """Booked, cancelled and booked, in one batch or in three."""
    await desk.publish_sequence(starting("a7", "table"), key="table")
    lead = await desk.lead()
    await told(
        desk,
        appointment(desk, lead, AppointmentBooked),
        appointment(desk, lead, AppointmentCancelled),
        appointment(desk, lead, AppointmentBooked, id_="a2", days=9),
    )
    rows = await desk.rows("SELECT id, state FROM scheduler.enrollments ORDER BY run")
    assert [row["state"] for row in rows] == ["halted", "active"]
    assert (await desk.touch(rows[1]["id"], "sms", "confirmed"))["state"] == "commanded"


async def test_nobody_is_asked_about_what_was_cut_at_once(desk):
    """Planned and cancelled in one transaction: neither an approval nor a draft waits."""
    await desk.publish_sequence(ASKS, key="asks")
    lead = await desk.lead()
    booked, cancelled = [
        appointment(desk, lead, kind) for kind in (AppointmentBooked, AppointmentCancelled)
    ]
    await happens(desk, booked, cancelled)
    assert await states(desk, lead) == {"asks": ("halted", "cancelled")}
    waiting = "SELECT state FROM scheduler.reviews WHERE state = 'pending' OR drafting = 'wanted'"
    assert await desk.rows(waiting) == []


@pytest.mark.parametrize(
    ("ago", "lane", "state"),
    [(timedelta(hours=1), "now", "commanded"), (timedelta(hours=2), "later", "planned")],
)
async def test_what_is_told_late_goes_behind_those_who_wait(desk, ago, lane, state):
    """A backfill takes the lane of imports."""
    await desk.publish_sequence(PROPOSAL, key="proposal")
    lead = await desk.lead()
    await happens(desk, stage(desk, lead, "proposal", ago=ago))
    (run,) = (await runs(desk, lead)).values()
    (touch,) = await desk.touches(run["id"])
    assert (touch["lane"], touch["state"]) == (lane, state)


async def test_what_happened_long_ago_starts_nothing(desk):
    """A history that is told once writes to nobody; the journal says why."""
    await desk.publish_sequence(PROPOSAL, key="proposal")
    young, old = await desk.lead(), await desk.lead()
    await happens(desk, stage(desk, young, "proposal", ago=timedelta(days=7)))
    await happens(desk, stage(desk, old, "proposal", ago=timedelta(days=7, seconds=1)))
    assert await states(desk, young) == {"proposal": ("active", None)}
    assert await runs(desk, old) == {}
    assert await refusals(desk) == [
        {
            "sequence": "proposal",
            "event": "deal.stage_changed",
            "reason": "it happened too long ago",
        }
    ]


@pytest.mark.parametrize("told", [together, one_by_one])
@pytest.mark.parametrize("stages", [("proposal", "visited"), ("visited", "proposal")])
async def test_conditions_are_held_against_the_stage_that_was_told(desk, told, stages):
    """Not against a later one that is known already; each stage of a batch counts."""
    await desk.publish_sequence(PROPOSAL, key="proposal")
    lead = await desk.lead()
    await told(desk, *(stage(desk, lead, name) for name in stages))
    assert await states(desk, lead) == {"proposal": ("active", None)}


async def test_an_older_stage_does_not_enter_by_the_present_one(desk):
    """The deal stands at the proposal; what is told is that it was visited."""
    await desk.publish_sequence(PROPOSAL, key="proposal")
    lead = await desk.lead()
    visited = stage(desk, lead, "visited")
    async with desk.databases.worker.transaction() as tx:
        await set_deal(tx, desk.tenant.id, lead.lead_id, {"stage": "proposal"})
    await desk.tell(desk.product, visited)
    assert await runs(desk, lead) == {}
