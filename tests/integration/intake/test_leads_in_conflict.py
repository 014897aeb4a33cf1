"""Leads that lose to somebody else's transaction, and refusals that must be obeyed."""

import json
import time
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from followup_contracts import Message
from followup_contracts.events import AppointmentBooked, LeadCaptured
from followup_contracts.ingress import LeadEventSubmitted, LeadSubmitted
from followup_database import new_id
from followup_database.attempts import TRIES
from followup_database.engine import async_url
from followup_intake.capture import Capture
from followup_intake.happenings import Happenings
from followup_intake.ingress import Ingress
from followup_messaging.inprocess import InProcessBus
from followup_messaging.outbox import Outbox
from followup_suppression import ACKNOWLEDGE_AFTER
from followup_testkit.clocks import START

# A sequence is not rolled back: it counts the tries.
CONFLICT = (
    "CREATE SEQUENCE people.tries",
    "GRANT USAGE ON SEQUENCE people.tries TO followup_api, followup_worker",
    """
    CREATE FUNCTION people.lose() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF nextval('people.tries') <= TG_ARGV[0]::int THEN
        RAISE EXCEPTION USING ERRCODE = '40P01', MESSAGE = 'deadlock detected';
      END IF;
      RETURN NULL;
    END $$
    """,
)


@pytest.fixture
async def losing(database_url):
    """Has the first transactions that save leads lose to others."""
    engine = create_async_engine(async_url(database_url))

    async def arm(times: int) -> None:
        async with engine.begin() as connection:
            for statement in CONFLICT:
                await connection.execute(text(statement))
            await connection.execute(
                text(
                    "CREATE TRIGGER lose BEFORE INSERT ON people.leads"
                    f" FOR EACH STATEMENT EXECUTE FUNCTION people.lose('{times}')"
                )
            )

    yield arm
    async with engine.begin() as connection:
        await connection.execute(text("DROP TRIGGER IF EXISTS lose ON people.leads"))
        await connection.execute(text("DROP FUNCTION people.lose"))
        await connection.execute(text("DROP SEQUENCE people.tries"))
    await engine.dispose()


async def test_a_lead_that_loses_to_another_is_saved_all_the_same(intake, ada, losing):
    """A deadlock with an import is not the caller's to know about."""
    await losing(TRIES - 1)
    answer = await intake.post(json=ada, headers={"Idempotency-Key": "once"})
    assert answer.status_code == 201
    assert [lead["id"] for lead in await intake.leads()] == [_id(answer)]
    assert [type(event) for event in await intake.events()] == [LeadCaptured]


async def test_an_import_goes_on_after_a_conflict(intake, losing):
    """Its chunk is tried again, and counted once."""
    await losing(2)
    answer = await intake.post("/v1/leads/import", content=b"phone,name\n+12125550123,Ada Byron\n")
    assert (answer.status_code, answer.json()["accepted"]) == (200, 1)
    assert len(await intake.leads()) == 1


async def test_a_batch_goes_on_after_a_conflict(intake, ada, losing):
    """So is a group of lines."""
    await losing(2)
    answer = await intake.post(
        "/v1/leads/batch",
        content=json.dumps(ada).encode(),
        headers={"Content-Type": "application/x-ndjson"},
    )
    assert json.loads(answer.text)["status"] == "accepted"
    assert len(await intake.leads()) == 1


async def test_a_conflict_that_never_ends_is_no_fault(intake, ada, losing):
    """Then the caller is asked to come again, and nothing was done."""
    await losing(1_000)
    answer = await intake.post(json=ada)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert await intake.leads() == []
    assert await intake.events() == []


def _id(answer):
    return UUID(answer.json()["lead_id"])


async def test_a_refusal_for_a_known_person_is_answered_behind_the_fence(intake, ada):
    """However it comes in: once it is answered, no send that it forbids begins."""
    await intake.post(json=ada)
    no = ada | {"consent": False}
    csv = b"phone,name,consent\n+12125550123,Ada,no\n"
    line = {"Content-Type": "application/x-ndjson"}
    for path, more in (
        ("/v1/leads", {"json": no}),
        ("/v1/leads/import", {"content": csv}),
        ("/v1/leads/import", {"content": csv}),
        ("/v1/leads/batch", {"content": json.dumps(no).encode(), "headers": line}),
    ):
        began = time.monotonic()
        answer = await intake.post(path, **more)
        assert time.monotonic() - began >= ACKNOWLEDGE_AFTER
        assert answer.status_code in (200, 201)
    (person,) = await intake.rows("SELECT consent FROM people.persons")
    assert person["consent"]["any"]["state"] == "no"


async def test_a_known_lead_that_refuses_now_is_obeyed(intake, ada, clock):
    """The lead is not saved again, but who said yes and says no has said no."""
    known = ada | {"external_id": "crm-1"}
    await intake.post(json=known)
    clock.advance(timedelta(hours=1))
    answer = await intake.post(json=known | {"consent": "no"})
    assert (answer.status_code, answer.json()["repeated"]) == (200, True)
    assert len(await intake.leads()) == 1
    (person,) = await intake.rows("SELECT consent FROM people.persons")
    assert person["consent"]["any"]["state"] == "no"


async def test_what_happened_to_a_lead_may_stand_beside_it(intake, ada):
    """A booking in the same batch as its lead is no booking of an unknown lead."""
    booked = LeadEventSubmitted(
        kind="appointment.booked",
        external_id="crm-1",
        appointment_id="a1",
        starts_at="2026-12-01T15:00:00Z",
    )
    await _read(intake, booked, LeadSubmitted(fields=ada | {"external_id": "crm-1"}))
    assert await intake.rows("SELECT error FROM messaging.dead") == []
    kinds = [type(event) for event in await intake.events()]
    assert sorted(kinds, key=str) == sorted([LeadCaptured, AppointmentBooked], key=str)
    (lead,) = await intake.leads()
    assert lead["attributes"]["appointment"]["id"] == "a1"


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("zone", "Atlantis/Capital", "/zone: this is no IANA zone"),
        ("name", "A\0B", "/name: a text holds a NUL character"),
    ],
)
async def test_what_http_refuses_the_bus_refuses_too(intake, ada, field, value, error):
    """And those beside it are taken."""
    good = LeadSubmitted(fields=ada)
    await _read(intake, LeadSubmitted(fields=ada | {field: value}), good)
    assert [row["error"] for row in await intake.rows("SELECT error FROM messaging.dead")] == [
        error
    ]
    assert len(await intake.leads()) == 1


async def _read(intake, *payloads) -> None:
    """Have intake read these as one batch."""
    worker, bus = intake.databases.worker, InProcessBus()
    outbox = Outbox("intake", bus, worker)
    ingress = Ingress(capture=Capture(outbox), happenings=Happenings(outbox))
    messages = [
        Message.of(
            payload,
            id=new_id(),
            tenant_id=intake.tenant.id,
            source="crm",
            subject="crm",
            time=START,
        )
        for payload in payloads
    ]
    async with worker.transaction() as tx:
        await ingress(tx, messages)
