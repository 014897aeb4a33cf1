"""What whoever runs Followup does with the client: every answer of these routes is read."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest

from followup_client import (
    AsyncFollowup,
    Conflict,
    NotAllowed,
    NotFound,
    accounts,
    approvals,
    consent,
    keys,
    leads,
    routing,
    rules,
    sequences,
    sources,
    tenants,
    touches,
)
from followup_directory import CELL, create_key
from followup_embedded.house import Embedded
from followup_runtime.settings import Settings
from followup_testkit.clocks import START, MovableClock
from followup_testkit.waiting import until

ANA = leads.NewLead(
    name="Ana Silva",
    phone="+1 212 555 0123",
    country="US",
    postal_code="10001",
    source="web_form",
    consent="yes",
    external_id="crm-1",
)

WORDS = 'Hi {{ person.first_name | default: "you" }}, is it urgent? Reply STOP to opt out.'
ASKS = f"""
key: asks
name: Asks first
steps:
  - id: offer
    at: {{after: 0m, window: at_once}}
    touches: [{{channel: sms, template: offer, approval: required}}]
templates:
  offer: {{text: '{WORDS}'}}
"""


@dataclass
class Home:
    """A house without its loops, and a client with its operator's key."""

    house: Embedded
    followup: AsyncFollowup

    def with_key(self, key: str) -> AsyncFollowup:
        """A client of somebody else."""
        transport = httpx.ASGITransport(self.house.app)
        return AsyncFollowup("http://home", key=key, transport=transport)


@pytest.fixture
async def home(database_url: str, clock: MovableClock) -> AsyncIterator[Home]:
    async with Embedded(Settings(database_url=database_url), clock=clock) as house:
        async with house.databases.worker.transaction() as tx:
            key = (await create_key(tx, house.tenant.id, "k", scopes=("*", CELL))).token
        transport = httpx.ASGITransport(house.app)
        async with AsyncFollowup("http://home", key=key, transport=transport) as followup:
            yield Home(house, followup)


async def test_tenants_and_keys(home):
    """Made, listed page by page, changed, given keys; a key rotated and revoked; deleted."""
    send = home.followup.send
    made = [
        await send(tenants.make(tenants.NewTenant(slug=slug, name=slug.title())))
        for slug in ("acme", "other")
    ]
    listed = [each.slug async for each in home.followup.each(tenants.find(limit=1))]
    assert listed == ["default", "acme", "other"]
    changes = tenants.TenantChanges(settings={"default_country": "GB"}, state="suspended")
    changed = await send(tenants.change(made[0].id, changes))
    assert (changed.state, changed.settings["default_country"]) == ("suspended", "GB")
    await send(tenants.change(made[0].id, tenants.TenantChanges(state="active")))

    wanted = keys.NewKey(name="first", scopes=["keys:read", "keys:write"], per_minute=600)
    first = await send(tenants.make_key(made[0].id, wanted))
    async with home.with_key(first.key) as acme:
        with pytest.raises(NotAllowed):
            await acme.send(tenants.find())
        second = await acme.send(keys.make(keys.NewKey(name="second", scopes=["keys:read"])))
        third = await acme.send(keys.rotate(second.id, keys.Rotation(grace_seconds=60)))
        assert await acme.send(keys.revoke(third.id)) is None
        known = {each.id: each async for each in acme.each(keys.find())}
    assert known.keys() == {first.id, second.id, third.id}
    assert known[second.id].replaced_by == third.id
    assert known[third.id].revoked_at is not None

    assert (await send(tenants.delete(made[1].id))).state == "deleted"
    gone = await send(tenants.get(made[1].id))
    assert gone.removal is not None
    assert gone.removal.state == "running"
    with pytest.raises(Conflict):
        await send(tenants.change(made[1].id, tenants.TenantChanges(state="active")))


async def test_sources_and_what_is_made_of_their_leads(home):
    """Sources, rules of routing and the schema of attributes, through every call."""
    send = home.followup.send
    config = sources.Config(origins=("https://roofs.example.com",), sequence="d1")
    new = sources.NewSource(kind="form", name="site", config=config)
    made = await send(sources.make(new))
    assert made.url is not None
    moved = await send(sources.move(made.id))
    assert moved.url not in (None, made.url)
    stopped = await send(sources.change(made.id, sources.SourceChanges(state="stopped")))
    assert (stopped.state, stopped.url) == ("stopped", None)
    assert [each.id async for each in home.followup.each(sources.find())] == [made.id]
    assert (await send(sources.get(made.id))).config.sequence == "d1"
    assert await send(sources.delete(made.id)) is None
    with pytest.raises(NotFound):
        await send(sources.retry(made.id, made.id))

    rule = routing.Rule(sequence="vip", name="big", value_from=10_000)
    assert (await send(routing.put(routing.Rules(rules=(rule,))))).rules == (rule,)
    assert (await send(routing.get())).rules == (rule,)
    routed = await send(routing.choose(ANA))
    assert (routed.sequence, [each.fits for each in routed.rules]) == (None, [False])
    schema = routing.Schema(attributes={"rooms": routing.Attribute(type="integer")}, strict=True)
    assert await send(routing.put_schema(schema)) == schema
    assert await send(routing.schema()) == schema


async def test_consent_rules_and_what_goes_out(home):
    """A proof, a new word, a link; own rules and stops; a preview, attempts, accounts."""
    send = home.followup.send
    async with home.house.running():
        lead = (await send(leads.post(ANA))).lead_id
        assert await home.house.settled(within=60)
    (recorded, *_) = [each async for each in home.followup.each(touches.sandbox(limit=1))]
    (attempt,) = (await send(touches.get(recorded.touch_id))).attempts
    assert (attempt.state, attempt.touch_id) == ("accepted", recorded.touch_id)
    assert [each.id async for each in home.followup.each(touches.attempts("accepted"))]
    with pytest.raises(Conflict):
        await send(touches.settle(attempt.id, touches.Settling(outcome="sent", reason="seen")))
    words = {"text": "Hi {{ person.first_name }}, is it urgent? Reply STOP to opt out."}
    wanted = touches.Wanted(lead_id=lead, channel="sms", template=words)
    preview = await send(touches.preview(wanted))
    assert (preview.to, preview.sandbox) == ("+12125550123", True)
    assert preview.text is not None
    assert preview.text.startswith("Hi Ana")
    assert preview.verdict.result == "wait"  # one text a day

    account = next(a for a in (await send(accounts.find())).items if a.channel == "sms")
    standing = accounts.Standing(state="stopped", reason="holidays")
    assert (await send(accounts.put(account.id, standing))).reason == "holidays"
    assert (await send(accounts.get(account.id))).state == "stopped"

    said = consent.Said(state="no", channel="voice", method="phone")
    proof = await send(consent.record(lead, said))
    assert (proof.consent["voice"], len(proof.records)) == ("no", 2)
    assert (await send(consent.proof(lead))).sha256 == proof.sha256
    link = await send(consent.ask(lead, consent.Question(wording="May we call?")))
    assert link.expires_at > START

    house = rules.House(
        hours=(rules.Hours(channels=("sms",), mon_fri=("09:00-18:00",), sun=()),),
        caps=(rules.Cap(channels=("voice",), count=1, hours=24),),
    )
    kept = (await send(rules.put(house))).rules
    assert (kept.hours[0].mon_fri, kept.hours[0].sun) == (("09:00-18:00",), ())
    assert kept.caps[0].count == 1
    wanted = rules.Exempting(
        jurisdiction="US-VA",
        what="hours",
        channels=("sms",),
        reason="written consents on file",
        who="R. Roe",
        ends_at=START + timedelta(days=30),
    )
    (exemption,) = (await send(rules.exempt(wanted))).exemptions
    ended = (await send(rules.revoke(exemption.id))).exemptions
    assert ended[0].revoked_at is not None
    stop = rules.Stopping(jurisdiction="US-LA", reason="a hurricane", who="R. Roe")
    (standing_stop,) = (await send(rules.stop(stop))).emergency_stops
    assert (standing_stop.jurisdiction, standing_stop.everybody) == ("US-LA", False)
    assert (await send(rules.lift("US-LA"))).emergency_stops[0].lifted_at is not None
    assert (await send(rules.get())).rules == kept


async def test_approvals(home):
    """What waits is listed page by page, let go in other words, or not; nothing else can be."""
    send = home.followup.send
    stored = await send(sequences.write("asks", ASKS))
    await send(sequences.publish("asks", stored.version))
    assert [each async for each in home.followup.each(approvals.find())] == []
    async with home.house.running():
        for number in (1, 2):
            about = {"external_id": f"crm-{number}", "phone": f"+1 212 555 012{number}"}
            await send(leads.post(ANA.model_copy(update={**about, "sequence": "asks"})))

        async def waiting() -> list[approvals.Approval]:
            found = [each async for each in home.followup.each(approvals.find(limit=1))]
            return found if len(found) == 2 else []

        first, second = await until(waiting)
        assert (first.state, first.body["text"]) == ("pending", WORDS)
        said = approvals.Yes(text="Hello. Reply STOP to opt out.", by="kim")
        assert (await send(approvals.approve(first.touch_id, said))).decided_by == "kim"
        no = approvals.No(reason="has called")
        assert (await send(approvals.reject(second.touch_id, no))).state == "rejected"
        with pytest.raises(Conflict):
            await send(approvals.approve(second.touch_id))
        assert (await send(approvals.get(first.touch_id))).state == "approved"
    nobody = home.house.tenant.id
    for call in (approvals.get(nobody), approvals.approve(nobody), approvals.reject(nobody)):
        with pytest.raises(NotFound):
            await send(call)
