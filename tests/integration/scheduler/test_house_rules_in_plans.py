"""A tenant's own rules are planned with, not only met at the last look."""

from datetime import timedelta

from followup_directory.rules import declare_emergency
from followup_directory.tenants import set_tenant_settings

NAME = '{{ person.first_name | default: "there" }}'
DOCUMENT = f"""
key: plain
name: Plain
steps:
  - id: only
    at: {{day: 1, time: "11:30"}}
    touches:
      - {{channel: {{first_of: [sms, email]}}, template: {{sms: t, email: m}}}}
templates:
  t: {{text: 'Hi {NAME}, is it urgent? Reply STOP to opt out.'}}
  m: {{subject: Your roof, text: 'Hi {NAME}, shall we come and look?'}}
"""
AFTERNOONS = {"channels": ["sms"], "mon_fri": ["14:00-16:00"], "sat": [], "sun": []}
NO_TEXTS = {"channels": ["sms"], "count": 0, "hours": 24}


async def planned(desk, rules):
    """The touch that a new lead is planned under these rules."""
    async with desk.databases.worker.transaction() as tx:
        await set_tenant_settings(tx, desk.tenant.id, {"rules": rules})
    run = await desk.enter(await desk.lead(), "plain")
    (touch,) = await desk.touches(run)
    return touch


async def test_touches_are_planned_inside_the_tenants_hours(desk):
    """A text wanted at half past eleven is planned for the afternoon that the tenant allows,
    and says why; a simulation of the tenant's says the same."""
    await desk.publish_sequence(DOCUMENT, key="plain")
    free = await planned(desk, {})
    bound = await planned(desk, {"hours": [AFTERNOONS]})
    assert bound["due_at"] - free["due_at"] == timedelta(hours=2, minutes=30)
    assert bound["trace"][0]["moved_by"][0].startswith("house:hours: ")


async def test_a_channel_that_a_tenant_never_uses_is_not_planned(desk):
    """With no texts at all the letter is planned at once, as for somebody without a phone."""
    await desk.publish_sequence(DOCUMENT, key="plain")
    assert (await planned(desk, {"caps": [NO_TEXTS]}))["channel"] == "email"
    nothing = {"caps": [NO_TEXTS | {"channels": ["sms", "email"]}]}
    skipped = await planned(desk, nothing)
    assert (skipped["state"], skipped["reason"][:11]) == ("skipped", "house:none:")


async def test_an_emergency_moves_no_plan(desk):
    """Nobody knows when it ends: what is planned stays, and the last look holds it."""
    await desk.publish_sequence(DOCUMENT, key="plain")
    before = await planned(desk, {})
    async with desk.databases.worker.transaction() as tx:
        await declare_emergency(tx, desk.tenant.id, "US-NY", reason="storm", who="R. Roe")
    assert (await planned(desk, {}))["due_at"] == before["due_at"]


async def test_a_simulation_knows_the_rules_of_its_tenant(client, desk):
    """What the route plays for a made-up lead is planned as it would be."""
    async with desk.databases.worker.transaction() as tx:
        await set_tenant_settings(tx, desk.tenant.id, {"rules": {"hours": [AFTERNOONS]}})
    body = {"lead": {"state": "NY"}, "start": "2026-11-02T10:00:00-05:00"}
    played = (await client.post("/v1/sequences/d1/simulate", json=body)).json()
    texts = [touch for touch in played["touches"] if touch["channel"] == "sms"]
    assert texts
    for touch in texts:
        local = touch["local"]["America/New_York"]
        assert "T14:00" <= local[10:16] < "T16:00"
