"""Leads and events from other services, over each bus."""

import pytest

from followup_contracts.events import AppointmentBooked, LeadCaptured
from followup_contracts.ingress import LeadEventSubmitted, LeadSubmitted
from followup_database import new_id
from followup_directory import delete_tenant, set_tenant_settings
from followup_testkit.clocks import START
from followup_testkit.waiting import until

FIELDS = {"phone": "+12125550123", "first_name": "Ada", "external_id": "crm-1"}


@pytest.fixture
def publish(ingress):
    return ingress.publish


async def letters(ingress) -> list:
    return await ingress.letters()


async def test_a_lead_from_the_bus_is_a_lead(ingress, publish):
    """Kept and announced as one that was posted, in the lane it asks for."""
    await publish(LeadSubmitted(fields=FIELDS, lane="later"))

    (lead,) = await until(ingress.leads)
    (captured,) = await ingress.events()
    assert isinstance(captured, LeadCaptured)
    assert (captured.lead_id, captured.lane) == (lead["id"], "later")


async def test_a_lead_published_twice_is_one_lead(ingress, publish):
    """By its message's id, and by its own."""
    id_ = new_id()
    unnamed = {name: value for name, value in FIELDS.items() if name != "external_id"}
    await publish(LeadSubmitted(fields=unnamed), id_=id_)
    await publish(LeadSubmitted(fields=unnamed), id_=id_)
    await publish(LeadSubmitted(fields=FIELDS))
    await publish(LeadSubmitted(fields=FIELDS))
    await publish(LeadSubmitted(fields={"phone": "+12125550199"}))

    async def last() -> bool:
        return bool(
            await ingress.rows("SELECT 1 FROM people.contact_points WHERE address = '+12125550199'")
        )

    await until(last)
    assert len(await ingress.leads()) == 3
    assert await letters(ingress) == []


async def test_an_event_finds_its_lead_by_either_name(ingress, publish):
    """A booking for the other service's own id."""
    await publish(LeadSubmitted(fields=FIELDS))
    (lead,) = await until(ingress.leads)
    await publish(
        LeadEventSubmitted(
            kind="appointment.booked",
            external_id="crm-1",
            appointment_id="a-1",
            starts_at=START,
        )
    )

    async def booked() -> list:
        return [e for e in await ingress.events() if isinstance(e, AppointmentBooked)]

    (told,) = await until(booked)
    assert told.lead_id == lead["id"]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"not even JSON", ""),
        (b'{"specversion": "1.0"}', ""),
        (b"\xff\xfe\x00", ""),
        (LeadSubmitted(fields={"phone": "+12125550123", "colour": "blue"}), "/colour"),
        (LeadSubmitted(fields={"phone": "12"}), "neither a usable phone"),
        (LeadSubmitted(fields={"phone": "+12125550123", "first_name": "A\0da"}), "/first_name"),
        (LeadSubmitted(fields={"phone": "+12125550123", "zone": "Mars/Olympus"}), "/zone"),
        (LeadEventSubmitted(kind="lead.converted"), "lead_id"),
        (LeadEventSubmitted(kind="deal.stage_changed", external_id="kept"), "stage"),
    ],
    ids=["text", "no envelope", "bytes", "field", "phone", "NUL", "zone", "name", "stage"],
)
async def test_what_cannot_be_taken_is_a_dead_letter_and_the_rest_goes_on(
    ingress, publish, payload, reason
):
    """With the reason and the place; what came before and after it is taken."""
    before = LeadSubmitted(fields={"phone": "+12125550150", "external_id": "kept"})
    after = LeadSubmitted(fields={"phone": "+12125550151"})
    await publish(before)
    await publish(payload)
    await publish(after)

    async def both() -> bool:
        return len(await ingress.leads()) == 2

    await until(both)
    (letter,) = await until(lambda: letters(ingress))
    assert (letter["consumer"], letter["queue"]) == ("intake", "intake.ingress")
    assert letter["error"]
    assert reason in letter["error"]


async def test_a_tenant_nobody_knows_is_a_dead_letter(ingress, publish):
    """Its lead is nobody's."""
    await publish(LeadSubmitted(fields=FIELDS), tenant=new_id())
    (letter,) = await until(lambda: letters(ingress))
    assert "tenant" in letter["error"]
    assert await ingress.leads() == []


async def test_attributes_from_the_bus_are_held_to_their_tenants_schema(ingress, publish):
    """What does not fit is a dead letter with its place, what fits is read as its type."""
    async with ingress.databases.worker.transaction() as tx:
        rules = {"rooms": {"type": "integer"}}
        await set_tenant_settings(tx, ingress.tenant.id, {"attributes": rules})
    await publish(LeadSubmitted(fields={**FIELDS, "attributes": {"rooms": "many"}}))
    await publish(LeadSubmitted(fields={**FIELDS, "attributes": {"rooms": "4"}}))
    (letter,) = await until(lambda: letters(ingress))
    assert "/attributes/rooms: it is no integer" in letter["error"]
    (lead,) = await until(ingress.leads)
    assert lead["attributes"] == {"rooms": 4}


async def test_a_lead_for_a_deleted_tenant_is_kept_nowhere(ingress, publish):
    """Not as a dead letter either: such a tenant is to leave nothing."""
    async with ingress.databases.worker.transaction() as tx:
        assert await delete_tenant(tx, ingress.other.id, asked_by=None)
    await publish(LeadSubmitted(fields=FIELDS), tenant=ingress.other.id)
    await publish(LeadSubmitted(fields=FIELDS))
    await until(ingress.leads)
    assert await ingress.letters() == []
