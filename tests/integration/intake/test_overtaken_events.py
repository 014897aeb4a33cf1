"""Events that come before their lead: two intakes share a queue, and one may be slower."""

import asyncio
from dataclasses import replace

from followup_contracts.events import (
    AppointmentBooked,
    AppointmentCancelled,
    LeadCaptured,
    LeadConverted,
)
from followup_contracts.ingress import LeadEventSubmitted, LeadSubmitted
from followup_intake.wiring import build
from followup_messaging import dead
from followup_runtime.metrics import Metrics
from followup_runtime.settings import Settings
from followup_testkit.clocks import START
from followup_testkit.waiting import until

LEAD = LeadSubmitted(fields={"phone": "+12125550123", "external_id": "crm-1"})
SOLD = LeadEventSubmitted(kind="lead.converted", external_id="crm-1")


def appointment(kind) -> LeadEventSubmitted:
    return LeadEventSubmitted(kind=kind, external_id="crm-1", appointment_id="a-1", starts_at=START)


def waiting(intake):
    return intake.rows("SELECT * FROM intake.overtaken ORDER BY message_id")


async def test_an_event_before_its_lead_waits_for_it(ingress):
    """It is no dead letter; once the lead is there it is taken, once."""
    await ingress.publish(SOLD)
    (row,) = await until(lambda: waiting(ingress))
    assert (row["external_id"], row["tenant_id"]) == ("crm-1", ingress.tenant.id)

    await ingress.publish(LEAD)

    async def sold() -> bool:
        return [lead["state"] for lead in await ingress.leads()] == ["converted"]

    await until(sold)
    await until(lambda: _none_waits(ingress))
    assert [type(event) for event in await ingress.events()] == [LeadCaptured, LeadConverted]
    assert await ingress.letters() == []


async def test_an_event_waits_for_a_lead_that_is_posted(ingress, ada):
    """By whatever way the lead comes in."""
    await ingress.publish(SOLD)
    await until(lambda: waiting(ingress))
    assert (await ingress.post(json=ada | {"external_id": "crm-1"})).status_code == 201
    await until(lambda: _none_waits(ingress))
    (lead,) = await ingress.leads()
    assert lead["state"] == "converted"


async def test_an_event_delivered_twice_waits_once(ingress):
    """The second delivery is one that was handled."""
    id_ = (await _published(ingress, SOLD))["message_id"]
    await ingress.publish(SOLD, id_=id_)
    await ingress.publish(LEAD)
    await until(lambda: _none_waits(ingress))
    converted = [e for e in await ingress.events() if isinstance(e, LeadConverted)]
    assert len(converted) == 1


async def test_what_happened_first_is_told_first(intake, clock):
    """An event that finds its lead takes along what waits for the same one."""
    del clock
    stop = asyncio.Event()
    consumer = next(r for r in intake.service.runners if r.name == "intake:intake.ingress")
    running = asyncio.create_task(consumer.run(stop))  # and no loop that looks by itself
    await intake.publish(appointment("appointment.booked"))
    await until(lambda: waiting(intake))
    await intake.publish(LEAD)
    await intake.publish(appointment("appointment.cancelled"))
    told = [type(event) for event in await intake.events()]
    stop.set()
    await running
    assert told == [LeadCaptured, AppointmentBooked, AppointmentCancelled]
    (lead,) = await intake.leads()
    assert lead["attributes"]["appointment"]["state"] == "cancelled"
    assert await waiting(intake) == []


async def test_another_tenant_s_lead_is_not_what_an_event_waits_for(ingress):
    """The same id of another tenant changes nothing."""
    await ingress.publish(SOLD)
    await until(lambda: waiting(ingress))
    await ingress.publish(LEAD, tenant=ingress.other.id)
    await until(ingress.leads)
    (row,) = await waiting(ingress)

    async def looked_again() -> bool:
        (now,) = await waiting(ingress)
        return now["next_on"] > row["next_on"]

    await until(looked_again)
    (lead,) = await ingress.leads()
    assert lead["state"] == "open"


async def test_two_intakes_take_an_event_once(ingress):
    """Both look for its lead at the same time."""
    second = build(Settings(), bus=ingress.bus, databases=ingress.databases, metrics=Metrics())
    async with replace(ingress, service=second).running():
        await ingress.publish(SOLD)
        await until(lambda: waiting(ingress))
        await ingress.publish(LEAD)
        await until(lambda: _none_waits(ingress))
    assert [type(event) for event in await ingress.events()] == [LeadCaptured, LeadConverted]


async def test_an_event_whose_lead_never_comes_is_a_dead_letter(impatient):
    """With the reason; nothing waits any more."""
    await impatient.publish(SOLD)
    (letter,) = await until(impatient.letters)
    assert (letter["consumer"], letter["queue"]) == ("intake", "intake.ingress")
    assert letter["error"] == "UnknownLead: crm-1"
    assert letter["tenant_id"] == impatient.tenant.id
    assert await waiting(impatient) == []


async def test_a_dead_event_is_taken_when_it_is_replayed(impatient):
    """Its lead has come since; that it was refused before does not make it handled."""
    await impatient.publish(SOLD)
    (letter,) = await until(impatient.letters)
    await impatient.publish(LEAD)
    async with impatient.databases.worker.transaction() as tx:
        done = await dead.replay(tx, [letter["id"]])
    assert done.replayed == (letter["id"],)

    async def sold() -> bool:
        return [lead["state"] for lead in await impatient.leads()] == ["converted"]

    await until(sold)
    assert [row["state"] for row in await impatient.letters()] == ["replayed"]


async def _published(intake, payload):
    await intake.publish(payload)
    (row,) = await until(lambda: waiting(intake))
    return row


async def _none_waits(intake) -> bool:
    return await waiting(intake) == []
