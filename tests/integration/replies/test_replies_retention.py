"""What people wrote is kept no longer than their tenant says."""

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from signed_hooks import vonage_params
from sqlalchemy import text
from vendor_events import Played

from followup_database import new_id
from followup_directory import create_tenant, put_templates, set_tenant_settings

MARKS = ("purple roof", "+12125550123", "+4915112345678", "delivered-by-carrier")
_COLUMNS = text("""
    SELECT c.table_name AS table, c.column_name AS column FROM information_schema.columns c
    JOIN information_schema.tables t USING (table_schema, table_name)
    WHERE c.table_schema = 'replies' AND t.table_type = 'BASE TABLE'
""")


async def _found(house) -> set[str]:
    """Every place of the schema where one of these stands."""
    found = set()
    async with house.databases.worker.transaction() as tx:
        for row in await tx.all(_COLUMNS):
            column, table = f'"{row["column"]}"', f"replies.{row['table']}"
            for mark in MARKS:
                statement = f"SELECT count(*) FROM {table} WHERE position(:m IN {column}::text) > 0"
                if await tx.scalar(text(statement), m=mark):
                    found.add(table)
    return found


async def _forget(house) -> int:
    """Rounds of retention until there is nothing left to do; how much was."""
    (loop,) = [r.loop for r in house.service.runners if r.name == "replies:retention"]
    done = 0
    while worked := (await loop.run_once()).worked:
        done += worked
    return done


async def test_texts_and_raw_reports_are_emptied_when_they_are_as_old(house):
    """Of somebody known and of strangers; what they meant stays, and a repetition is known."""
    lead = await house.lead()
    touch = await house.sent(lead)
    said = {"MessageSid": f"SM{new_id().hex}"}
    await house.sms("How much for the purple roof?", **said)
    await house.sms("a purple roof, wrong number", From="+4915112345678")
    form = {
        "MessageSid": touch.provider_ref,
        "MessageStatus": "delivered",
        "To": "+12125550123",
        "From": "+12025550100",
        "RawDlrDoneDate": "delivered-by-carrier",
    }
    assert (await house.twilio("status", form)).status_code < 300
    async with house.databases.worker.transaction() as tx:
        await set_tenant_settings(tx, house.tenant.id, {"retention_days": 30})
    assert await _found(house) == {"replies.messages", "replies.callbacks"}

    house.clock.advance(timedelta(days=29))
    assert await _forget(house) == 0
    house.clock.advance(timedelta(days=2))
    assert await _forget(house) == 3
    assert await _found(house) == set()
    talk = (await house.api("GET", f"/v1/leads/{lead.lead_id}/conversation")).json()
    inbound = [item for item in talk["items"] if item["direction"] == "inbound"]
    assert [(item["body"], item["intent"]) for item in inbound] == [(None, "question")]
    events = len(await house.events())
    await house.sms("How much for the purple roof?", **said)
    assert (await house.twilio("status", form)).status_code < 300
    assert len(await house.events()) == events
    assert await _found(house) == set()


async def test_the_copy_of_a_confirmation_goes_within_a_day(house, age):
    """Whatever its tenant keeps, and whoever was answered; it was sent within minutes or never."""
    vonage = await Played.by(house, vonage_params())
    await house.lead()
    async with house.databases.worker.transaction() as tx:
        await put_templates(tx, house.tenant.id, [("sms", {"text": "a purple roof for all"})])
    for body, sender in (("HELP", "12125550123"), ("STOP", "12125550123"), ("STOP", "12125550199")):
        value = {"msisdn": sender, "to": "12025550100", "messageId": new_id().hex, "text": body}
        assert (await vonage.send(value)).status_code == 200
    copies = "SELECT FROM directory.templates WHERE person_id IS NOT NULL"
    assert len(await house.rows(copies)) == 3
    assert await _forget(house) == 0
    await age(datetime.now(UTC) - timedelta(hours=25))
    assert await _forget(house) == 3
    assert await house.rows(copies) == []
    assert len(await house.rows("SELECT FROM directory.templates")) == 1


async def test_the_copy_of_a_message_that_does_not_name_it_goes_when_that_is_emptied(house, age):
    """Messages of earlier versions have no name of their copy."""
    lead = await house.lead()
    await house.sent(lead)
    async with house.databases.worker.transaction() as tx:
        await set_tenant_settings(tx, house.tenant.id, {"retention_days": 30})
    headers = {"Idempotency-Key": "k1", "Authorization": f"Bearer {house.token}"}
    path = f"/v1/leads/{lead.lead_id}/messages"
    body = {"text": "About the purple roof: Tuesday?"}
    assert (await house.client.post(path, json=body, headers=headers)).status_code == 202
    await house.rows("UPDATE replies.written SET template = NULL RETURNING 1")
    await age(house.clock())
    house.clock.advance(timedelta(days=31))
    assert await _forget(house) == 0, "it waits to be said"
    await house.rows("UPDATE replies.written SET state = 'sent' RETURNING 1")
    assert await _forget(house) == 2
    assert await house.rows("SELECT FROM directory.templates") == []


@pytest.fixture
async def age(database_url):
    """Has every copy there is be from a moment: they have machine time, and nobody changes it."""

    async def age(at):
        owner = await asyncpg.connect(database_url.replace("+asyncpg", ""))
        try:
            await owner.execute("UPDATE directory.templates SET created_at = $1", at)
        finally:
            await owner.close()

    return age


async def test_what_is_young_or_of_a_tenant_that_keeps_stays(house):
    """Each by its own setting; without one nothing is emptied."""
    await house.lead()
    await house.sms("the first purple roof")
    house.clock.advance(timedelta(days=400))
    assert await _forget(house) == 0
    async with house.databases.worker.transaction() as tx:
        other = await create_tenant(tx, "other", "Other")
        await set_tenant_settings(tx, other.id, {"retention_days": 1})
    assert await _forget(house) == 0
    async with house.databases.worker.transaction() as tx:
        await set_tenant_settings(tx, house.tenant.id, {"retention_days": 30})
    await house.sms("the second purple roof")
    assert await _forget(house) == 1
    rows = await house.rows("SELECT body FROM replies.messages ORDER BY id")
    assert [row["body"] for row in rows] == [None, "the second purple roof"]


async def test_a_report_that_waits_for_its_touch_is_not_emptied(house):
    """It is still to be applied; it expires by itself."""
    async with house.databases.worker.transaction() as tx:
        await set_tenant_settings(tx, house.tenant.id, {"retention_days": 1})
    form = {"MessageSid": "SM1", "MessageStatus": "delivered", "To": "+12125550123"}
    await house.twilio("status", form)
    house.clock.advance(timedelta(days=2))
    assert await _forget(house) == 0
    (row,) = await house.rows("SELECT report, matched FROM replies.callbacks")
    assert row["report"]
    assert not row["matched"]


async def test_what_somebody_of_ours_wrote_is_emptied_once_it_is_out(house):
    """Not while it waits to be said; its state stays."""
    lead = await house.lead()
    await house.sent(lead)
    headers = {"Idempotency-Key": "k1", "Authorization": f"Bearer {house.token}"}
    path = f"/v1/leads/{lead.lead_id}/messages"
    body = {"text": "About the purple roof: Tuesday?"}
    written = await house.client.post(path, json=body, headers=headers)
    assert written.status_code == 202, written.text
    async with house.databases.worker.transaction() as tx:
        await set_tenant_settings(tx, house.tenant.id, {"retention_days": 30})
    house.clock.advance(timedelta(days=31))
    assert await _forget(house) == 0
    async with house.databases.worker.transaction() as tx:
        await tx.run(text("UPDATE replies.written SET state = 'sent'"))
    assert await _forget(house) == 1
    assert await _found(house) == set()
    shown = (await house.api("GET", f"{path}/{written.json()['id']}")).json()
    assert (shown["body"], shown["state"]) == (None, "sent")


async def test_the_copy_that_was_sent_goes_with_its_message(house):
    """Not while the same words to the same person wait to be said, nor words for everybody."""
    lead = await house.lead()
    await house.sent(lead)
    async with house.databases.worker.transaction() as tx:
        await set_tenant_settings(tx, house.tenant.id, {"retention_days": 30})
        await put_templates(tx, house.tenant.id, [("sms", {"text": "a purple roof for all"})])
    path = f"/v1/leads/{lead.lead_id}/messages"
    body = {"text": "About the purple roof: Tuesday?"}
    for key in ("k1", "k2"):
        headers = {"Idempotency-Key": key, "Authorization": f"Bearer {house.token}"}
        assert (await house.client.post(path, json=body, headers=headers)).status_code == 202
    copies = "SELECT body ->> 'text' AS text FROM directory.templates WHERE person_id IS NOT NULL"
    assert [row["text"] for row in await house.rows(copies)] == [body["text"]]
    house.clock.advance(timedelta(days=31))
    for key, left in (("k1", 1), ("k2", 0)):
        async with house.databases.worker.transaction() as tx:
            state = "UPDATE replies.written SET state = 'sent' WHERE key = :key"
            assert await tx.run(text(state), key=key) == 1
        assert await _forget(house) == 1
        assert len(await house.rows(copies)) == left
    assert len(await house.rows("SELECT FROM directory.templates")) == 1


async def test_what_a_touch_will_say_to_one_person_stays_however_old_it_is(house, age):
    """Drafts and approved words are among the templates, too; a message may say the same."""
    lead = await house.lead()
    await house.sent(lead)
    body = {"text": "About the purple roof: Tuesday?"}
    async with house.databases.worker.transaction() as tx:
        await set_tenant_settings(tx, house.tenant.id, {"retention_days": 7})
        (words,) = await put_templates(
            tx, house.tenant.id, [("sms", body)], person_id=lead.person_id
        )
    headers = {"Idempotency-Key": "k1", "Authorization": f"Bearer {house.token}"}
    path = f"/v1/leads/{lead.lead_id}/messages"
    assert (await house.client.post(path, json=body, headers=headers)).status_code == 202
    (copy,) = await house.rows("UPDATE replies.written SET state = 'sent' RETURNING template")
    assert copy["template"] != words
    await age(house.clock())
    house.clock.advance(timedelta(days=8))
    assert await _forget(house) == 1
    assert [row["hash"] for row in await house.rows("SELECT hash FROM directory.templates")] == [
        words
    ]
