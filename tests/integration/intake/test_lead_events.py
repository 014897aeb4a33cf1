import time

import pytest

from followup_contracts import events
from followup_suppression import ACKNOWLEDGE_AFTER

STARTS = "2026-03-05T15:00:00Z"


@pytest.fixture
async def path(intake, ada) -> str:
    posted = await intake.post(json=ada | {"external_id": "crm-1"})
    return f"/v1/leads/{posted.json()['lead_id']}/events"


async def test_a_booking_is_kept_and_announced(intake, path):
    """202; the lead knows its appointment, the scheduler hears of it."""
    body = {"kind": "appointment.booked", "appointment_id": "a-1", "starts_at": STARTS}
    answer = await intake.post(path, json=body)

    assert answer.status_code == 202, answer.text
    told = (await intake.events())[-1]
    assert isinstance(told, events.AppointmentBooked)
    assert (told.appointment_id, told.starts_at.isoformat()) == ("a-1", "2026-03-05T15:00:00+00:00")
    (lead,) = await intake.leads()
    assert lead["attributes"]["appointment"]["state"] == "booked"


async def test_a_sale_ends_the_lead(intake, path):
    """`lead.converted` marks the lead and is announced."""
    assert (await intake.post(path, json={"kind": "lead.converted"})).status_code == 202
    assert isinstance((await intake.events())[-1], events.LeadConverted)
    (lead,) = await intake.leads()
    assert lead["state"] == "converted"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"kind": "appointment.booked", "starts_at": STARTS}, "/appointment_id"),
        ({"kind": "appointment.booked", "appointment_id": "a-1"}, "/starts_at"),
        ({"kind": "deal.stage_changed"}, "/stage"),
        ({"kind": "lead.sneezed"}, "/kind"),
        ({}, "/kind"),
        ({"kind": "lead.converted", "colour": "blue"}, "/colour"),
        ({"kind": "lead.converted", "at": "yesterday"}, "/at"),
        (
            {"kind": "appointment.booked", "appointment_id": "a", "starts_at": "2026-03-05T15:00"},
            "/starts_at",
        ),
    ],
)
async def test_an_event_that_lacks_something_points_at_it(intake, path, pointers, body, pointer):
    """422, and neither the lead nor anybody else hears of it."""
    answer = await intake.post(path, json=body)

    assert answer.status_code == 422, answer.text
    assert pointers(answer) == [pointer]
    assert len(await intake.events()) == 1
    (lead,) = await intake.leads()
    assert "appointment" not in lead["attributes"]


@pytest.mark.parametrize("lead", ["019a2010-0000-7000-8000-000000000000", "crm-1"])
async def test_an_event_of_no_lead_is_refused(intake, lead):
    """An unknown id is 404; what is no id at all is 422."""
    answer = await intake.post(f"/v1/leads/{lead}/events", json={"kind": "lead.converted"})
    assert answer.status_code == (404 if "-0000-" in lead else 422)
    assert await intake.events() == []


FORBIDDING = [
    {"kind": "lead.converted"},
    {"kind": "appointment.booked", "appointment_id": "a-1", "starts_at": STARTS},
    {"kind": "appointment.rescheduled", "appointment_id": "a-1", "starts_at": STARTS},
    {"kind": "appointment.cancelled", "appointment_id": "a-1", "starts_at": STARTS},
    {"kind": "appointment.completed", "appointment_id": "a-1", "starts_at": STARTS},
]


@pytest.mark.parametrize("body", FORBIDDING, ids=lambda body: body["kind"])
async def test_what_may_forbid_a_send_is_answered_behind_the_fence(intake, path, body):
    """Its person is held until the scheduler has decided, and 250 ms have passed."""
    begun = time.monotonic()
    answer = await intake.post(path, json=body)
    taken = time.monotonic() - begun

    assert answer.status_code == 202, answer.text
    assert taken >= ACKNOWLEDGE_AFTER
    (event,) = await intake.rows(
        "SELECT id FROM messaging.outbox WHERE type = :type", type=f"followup.{body['kind']}.v1"
    )
    (lead,) = await intake.leads()
    holds = await intake.rows("SELECT tenant_id, person_id, reply_id FROM suppression.holds")
    assert [tuple(hold.values()) for hold in holds] == [
        (intake.tenant.id, lead["person_id"], event["id"])
    ]


@pytest.mark.parametrize(
    "body", [{"kind": "lead.updated"}, {"kind": "deal.stage_changed", "stage": "won"}]
)
async def test_what_forbids_nothing_holds_nobody(intake, path, body):
    """An update or a stage stops nothing, so nothing waits for a decision on it."""
    assert (await intake.post(path, json=body)).status_code == 202
    assert await intake.rows("SELECT 1 FROM suppression.holds") == []
