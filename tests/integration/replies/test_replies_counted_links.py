"""Counted links: on to where they lead, and nowhere else."""

from datetime import datetime, timedelta

import pytest
from starlette.datastructures import Headers

from followup_contracts.events import TouchClicked
from followup_database import new_id
from followup_messaging.inprocess import InProcessBus
from followup_messaging.outbox import Outbox
from followup_replies.http.links import Links
from followup_suppression.clicks import Click, ClickSigner

BROWSER = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"}
TARGET = "https://shop.example/roofs?a=1&b=%20x#top"


def link(house, lead):
    click = Click(lead.tenant_id, new_id(), lead.person_id, TARGET)
    return click, ClickSigner(house.keys.link_key).sign(click)


async def test_a_person_who_follows_a_link_arrives_and_is_counted_once_a_minute(house):
    """A redirect that nobody keeps, and one event."""
    click, token = link(house, await house.lead())
    for _ in range(3):
        answer = await house.client.get(f"/l/{token}", headers=BROWSER)
        assert (answer.status_code, answer.headers["location"]) == (302, TARGET)
        assert answer.headers["cache-control"] == "no-store"
    (event,) = await house.events()
    assert isinstance(event, TouchClicked)
    assert (event.touch_id, event.person_id) == (click.touch_id, click.person_id)


async def test_a_click_stands_with_its_touch_in_the_conversation(house, later):
    """Each minute's once, whichever replica it came to; what was sent to somebody else has none."""
    lead = await house.lead()
    touch, other = await house.sent(lead), await house.sent(lead)
    click = Click(lead.tenant_id, touch.touch_id, lead.person_id, TARGET)
    token = ClickSigner(house.keys.link_key).sign(click)
    followed = house.clock()
    for _ in range(2):
        beside = Links(
            house.databases.worker,
            outbox=Outbox("replies", InProcessBus(), house.databases.worker),
            signer=ClickSigner(house.keys.link_key),
        )
        await beside.follow(token, Headers(BROWSER))
    later(minutes=2)
    assert (await beside.follow(token, Headers(BROWSER))).status_code == 302
    await house.client.get(f"/l/{token}", headers=BROWSER)
    answer = await house.api("GET", f"/v1/leads/{lead.lead_id}/conversation")
    events = {item["touch_id"]: item["events"] for item in answer.json()["items"]}
    told = [
        (each["event"], datetime.fromisoformat(each["at"])) for each in events[str(touch.touch_id)]
    ]
    assert told == [("clicked", followed), ("clicked", followed + timedelta(minutes=2))]
    assert events[str(other.touch_id)] == []
    assert len(await house.events("TouchClicked")) == 2


@pytest.mark.parametrize(
    "ahead",
    [{"sec-purpose": "prefetch;prerender"}, {"purpose": "prefetch"}, {"x-purpose": "preview"},
     {"x-moz": "prefetch"}],
)  # fmt: skip
async def test_what_a_browser_fetches_ahead_is_no_click(house, ahead):
    """Nobody has followed it yet."""
    _, token = link(house, await house.lead())
    answer = await house.client.get(f"/l/{token}", headers=BROWSER | ahead)
    assert answer.headers["location"] == TARGET
    assert await house.events() == []


async def test_the_click_of_somebody_who_is_forgotten_is_not_kept(house):
    """The link leads on; of whom it was for nothing is told any more."""
    click = Click(house.tenant.id, new_id(), new_id(), TARGET)
    token = ClickSigner(house.keys.link_key).sign(click)
    answer = await house.client.get(f"/l/{token}", headers=BROWSER)
    assert answer.headers["location"] == TARGET
    assert await house.rows("SELECT 1 FROM replies.clicks") == []
    assert await house.events() == []


@pytest.mark.parametrize("agent", ["", "Slackbot-LinkExpanding 1.0", "curl/8.0", "WhatsApp/2.2"])
async def test_machines_arrive_and_are_not_counted(house, agent):
    """Scanners and previews follow links before people do; HEAD asks only where."""
    _, token = link(house, await house.lead())
    answer = await house.client.get(f"/l/{token}", headers={"user-agent": agent})
    asked = await house.client.head(f"/l/{token}", headers=BROWSER)
    assert answer.headers["location"] == asked.headers["location"] == TARGET
    assert await house.events() == []


@pytest.mark.parametrize("token", ["x", "A" * 300, "https:%2F%2Fevil.example", "A" * 5000, "%00"])
async def test_a_link_that_is_not_ours_leads_nowhere(house, token):
    """No open redirect, no error of ours."""
    answer = await house.client.get(f"/l/{token}", headers=BROWSER)
    assert answer.status_code in (400, 404, 414)
    assert "location" not in answer.headers


async def test_the_token_of_an_unsubscribe_link_is_no_link(house):
    """Neither does one kind of token open the other's door."""
    lead = await house.lead()
    token = house.unsubscribe_token(lead)
    assert (await house.client.get(f"/l/{token}", headers=BROWSER)).status_code == 404
    assert (await house.client.post(f"/u/{link(house, lead)[1]}")).status_code == 404
