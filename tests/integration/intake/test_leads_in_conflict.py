"""Leads that lose to somebody else's transaction, and refusals that must be obeyed."""

import json
import time

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from followup_contracts.events import AppointmentBooked, LeadCaptured
from followup_contracts.ingress import LeadEventSubmitted, LeadSubmitted
from followup_database.attempts import TRIES
from followup_database.engine import async_url
from followup_suppression import ACKNOWLEDGE_AFTER

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
    from uuid import UUID

    return UUID(answer.json()["lead_id"])
