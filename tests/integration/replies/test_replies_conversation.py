"""A conversation shows what was really sent, and what became of it."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from followup_database.personal import Subject, erase_rows
from followup_directory import create_key, create_tenant, set_tenant_settings
from followup_dispatcher.tables import PERSONAL

_ATTEMPT = """
INSERT INTO dispatcher.attempts
  (touch_id, number, id, tenant_id, enrollment_id, lead_id, person_id, channel, lane, round,
   epoch, step, contact_round, state, account_id, provider, sender, template, subject, body,
   claimed_at)
VALUES (:touch_id, 1, :attempt_id, :tenant, :enrollment_id, :lead_id, :person_id, :channel, 'now',
   1, 0, 's', 'r', 'accepted', :account_id, :provider, 's', 't', 'Your roof', 'Shall we come?',
   clock_timestamp())
RETURNING id
"""
_SEEN = text("SELECT body FROM dispatcher.said")


async def sent(house, lead, **more):
    """A letter that went out, in the dispatcher's ledger as well."""
    touch = await house.sent(lead, account=house.accounts["sandbox", "email"], **more)
    names = ("touch_id", "attempt_id", "enrollment_id", "lead_id", "person_id")
    ids = {name: getattr(touch, name) for name in (*names, "channel", "account_id", "provider")}
    await house.rows(_ATTEMPT, tenant=house.tenant.id, **ids)
    return touch


async def conversation(house, lead):
    answer = await house.api("GET", f"/v1/leads/{lead.lead_id}/conversation")
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def told(house, touch, *states):
    for state in states:
        report = {"ref": touch.provider_ref, "state": state}
        assert (await house.sandbox("status", "email", report)).is_success


async def test_the_words_that_went_out_are_shown(house):
    """As the dispatcher rendered them; a touch it knows nothing of has none."""
    lead = await house.lead()
    await sent(house, lead)
    await house.sent(lead)
    first, second = await conversation(house, lead)
    assert (first["subject"], first["body"]) == ("Your roof", "Shall we come?")
    assert (second["subject"], second["body"]) == (None, None)


async def test_opens_and_clicks_are_events_of_the_touch_and_no_answers(house, later):
    """In the order in which they came, by the names that others use; nobody is held for them."""
    lead = await house.lead()
    touch = await sent(house, lead)
    for state in ("delivered", "opened", "clicked", "clicked", "unsubscribed"):
        later(minutes=1)
        await told(house, touch, state)
    other = await sent(house, lead, at=house.clock() + timedelta(minutes=1))
    await told(house, other, "undelivered")
    first, second = await conversation(house, lead)
    events = ["delivered", "opened", "clicked", "unsubscribed"]
    assert [each["event"] for each in first["events"]] == events
    assert [each["event"] for each in second["events"]] == ["bounced"]
    moments = [each["at"] for each in first["events"]]
    assert moments == sorted(set(moments))
    assert await house.events("ReplyReceived") == []
    assert await house.held() == []


@pytest.mark.parametrize("gone", ["erased", "old"])
async def test_words_are_shown_no_longer_than_they_are_kept(house, later, gone):
    """What is erased is gone at once; what is older than the tenant keeps is not shown."""
    lead = await house.lead()
    await sent(house, lead)
    if gone == "erased":
        async with house.databases.worker.transaction() as tx:
            for table in PERSONAL:
                await erase_rows(tx, table, Subject(house.tenant.id, [lead.person_id]))
    else:
        async with house.databases.worker.transaction() as tx:
            await set_tenant_settings(
                tx, house.tenant.id, {"business_name": "Acme", "retention_days": 30}
            )
        later(days=29)
        assert (await conversation(house, lead))[0]["body"] == "Shall we come?"
        later(days=2)
    (shown,) = await conversation(house, lead)
    assert (shown["subject"], shown["body"], shown["state"]) == (None, None, "sent")


async def test_another_tenants_words_are_not_to_be_seen(house):
    """Its key finds no lead, and by the view no row."""
    lead = await house.lead()
    await sent(house, lead)
    async with house.databases.worker.transaction() as tx:
        other = await create_tenant(tx, "other", "Other")
        token = (await create_key(tx, other.id, name="test", scopes=["*"])).token
    path = f"/v1/leads/{lead.lead_id}/conversation"
    headers = {"Authorization": f"Bearer {token}"}
    assert (await house.client.get(path, headers=headers)).status_code == 404
    async with house.databases.api.transaction(tenant=other.id) as tx:
        assert await tx.all(_SEEN) == []
    async with house.databases.api.transaction(tenant=house.tenant.id) as tx:
        assert len(await tx.all(_SEEN)) == 1
