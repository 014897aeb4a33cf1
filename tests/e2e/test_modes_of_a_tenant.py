"""Between the sandbox and the world: dry runs, test recipients; and links that are counted."""

import re
from datetime import timedelta

import pytest
from twilio_house import twilio_house

from followup_directory import put_account, set_tenant_settings
from followup_testkit.waiting import until

SHOP = "https://roofs.example.com/book?a=1&b=2"
YAML = {"content-type": "application/yaml"}
LINK = """format: 1
key: link
name: A text with a link
steps:
  - id: only
    at: {after: 0m, window: at_once}
    touches: [{channel: sms, template: sms}]
templates:
  sms: {text: 'Hi {{ person.first_name | default: "there" }}, choose a time:
    {{ business.booking_link | default: "call us" }} Reply STOP to end.'}
"""


@pytest.fixture
async def twilio(followup):
    async with twilio_house(followup) as house:
        yield house


async def test_a_dry_run_of_a_whole_tenant_decides_everything_and_sends_nothing(twilio):
    """Fourteen days pass as they would, each touch with its trace; no vendor is ever called."""
    followup = twilio.followup
    house = followup.house
    async with house.databases.worker.transaction() as tx:
        nowhere = {"host": "127.0.0.1", "port": 9, "tls": "none", "from": "ray@roofs.example"}
        await put_account(
            tx, house.tenant.id, channel="email", provider="smtp", name="relay", settings=nowhere
        )
    await twilio.set(dry_run=True, postal_address="1 Main St, Springfield")
    followup.script.see = followup.script.seen.append  # no phone rings, so nobody hangs up
    lead = await followup.lead()
    stopped = await followup.lead(consent="no")
    await followup.play()
    run = await followup.run_of(lead)
    assert (run["sequence"], run["state"], run["end_reason"]) == ("d1", "completed", "ran_through")
    assert len(run["touches"]) == 7
    for touch in run["touches"]:
        told = await followup.ask("GET", f"/v1/touches/{touch['id']}")
        (attempt,) = told["attempts"]
        assert {"what": "dry_run", "result": "nothing is sent"} in attempt["trace"]
    closed = (await followup.run_of(stopped))["touches"]
    assert not any(touch["state"] == "sent" for touch in closed)
    assert twilio.vendor.ledger.requests == []
    assert len(followup.sent(lead)) == 7  # what would have gone stands in the sandbox's record
    await twilio.set(dry_run=False)
    other = await followup.lead()
    await followup.play(until=followup.clock())
    assert [each.kind for each in twilio.to(other)] == ["Messages"]


async def test_in_the_sandbox_nobody_but_test_recipients_is_reached(twilio):
    """Their phone rings by the real account; what is for others stands in the sandbox's record."""
    followup = twilio.followup
    await twilio.set(sandbox=True, test_recipients=["+12125550142"])
    await followup.sequence("soon", ("only", "{after: 0m, window: at_once}", "sms"))
    tester = await followup.lead(sequence="soon", phone="+12125550142")
    other = await followup.lead(sequence="soon")
    await followup.play()
    assert len(twilio.texts(tester)) == 1
    assert followup.sent(tester) == []
    assert twilio.to(other) == []
    assert len(followup.sent(other)) == 1
    assert len(twilio.vendor.ledger) == 1


async def test_links_are_counted_where_a_tenant_wants_it_and_lead_nowhere_else(followup):
    """Off: the link as it was written. On: by ours to the same place, and a changed one to none."""
    await followup.ask("PUT", "/v1/sequences/link", content=LINK, headers=YAML)
    await followup.ask("POST", "/v1/sequences/link/publish")
    await followup.ask("GET", "/v1/events")  # from here on events are logged
    house = followup.house

    async def told(**settings):
        async with house.databases.worker.transaction() as tx:
            await set_tenant_settings(tx, house.tenant.id, {"booking_link": SHOP, **settings})
        lead = await followup.lead(sequence="link")
        await followup.play(until=followup.clock() + timedelta(minutes=1))
        (entry,) = followup.sent(lead)
        return entry

    assert SHOP in (await told()).text
    counted = await told(click_tracking="all")
    assert SHOP not in counted.text
    (link,) = re.findall(r"http://followup\.test/l/\S+", counted.text)
    browser = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"}
    answer = await followup.client.get(link, headers=browser)
    assert (answer.status_code, answer.headers["location"]) == (302, SHOP)
    middle = link.rindex("/") + 20
    changed = link[:middle] + ("A" if link[middle] != "A" else "B") + link[middle + 1 :]
    for forged in (changed, link + "x", link.replace("/l/", "/l/https://evil.example/")):
        answer = await followup.client.get(forged, headers=browser)
        assert answer.status_code == 404
        assert "location" not in answer.headers

    async def clicked():
        told = await followup.ask("GET", "/v1/events", params={"limit": 200})
        return [e["data"] for e in told["items"] if e["type"] == "followup.touch.clicked.v1"]

    (click,) = await until(clicked, within=30, what="the click to be told of")
    assert click["touch_id"] == str(counted.touch_id)
