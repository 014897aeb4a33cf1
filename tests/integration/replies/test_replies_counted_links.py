"""Counted links: on to where they lead, and nowhere else."""

from datetime import datetime, timedelta

import pytest
from starlette.datastructures import Headers

from followup_contracts.events import TouchClicked
from followup_database import new_id
from followup_database.personal import Subject, erase_rows, read_rows
from followup_directory import set_tenant_settings
from followup_messaging.inprocess import InProcessBus
from followup_messaging.outbox import Outbox
from followup_replies.http.links import Links
from followup_replies.store.clicks import MOST
from followup_replies.tables import PERSONAL
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


async def test_the_clicks_of_a_person_are_handed_out_and_go_with_them(house):
    """Those of others stay."""
    lead, other = await house.lead(), await house.lead(phone_e164="+12125550188", email=None)
    for each in (lead, other):
        _, token = link(house, each)
        await house.client.get(f"/l/{token}", headers=BROWSER)
    (clicks,) = [table for table in PERSONAL if table.table == "clicks"]
    subject = Subject(house.tenant.id, [lead.person_id])
    async with house.databases.worker.transaction() as tx:
        assert len(await read_rows(tx, clicks, subject)) == 1
        assert await erase_rows(tx, clicks, subject) == 1
    assert await house.rows("SELECT person_id FROM replies.clicks") == [
        {"person_id": other.person_id}
    ]


async def test_clicks_are_kept_no_longer_than_their_tenant_says(house):
    """To the day, as what was said."""
    _, token = link(house, await house.lead())
    await house.client.get(f"/l/{token}", headers=BROWSER)
    async with house.databases.worker.transaction() as tx:
        await set_tenant_settings(tx, house.tenant.id, {"retention_days": 30})
    (loop,) = [r.loop for r in house.service.runners if r.name == "replies:retention"]
    for days, left in ((29, 1), (2, 0)):
        house.clock.advance(timedelta(days=days))
        await loop.run_once()
        assert len(await house.rows("SELECT 1 FROM replies.clicks")) == left


async def test_a_link_that_went_round_leads_on_and_is_kept_no_further(house, later):
    """Whoever follows it, and however often: others are counted as ever."""
    click, token = link(house, await house.lead())
    await house.client.get(f"/l/{token}", headers=BROWSER)
    await house.rows(
        "INSERT INTO replies.clicks (touch_id, link, minute, tenant_id, person_id, at)"
        " SELECT touch_id, link, minute - n * interval '1 min', tenant_id, person_id, at"
        " FROM replies.clicks, generate_series(2, :most) AS n RETURNING 1",
        most=MOST,
    )
    later(minutes=2)
    database = house.databases.worker
    signer = ClickSigner(house.keys.link_key)
    beside = Links(database, outbox=Outbox("replies", InProcessBus(), database), signer=signer)
    answer = await beside.follow(token, Headers(BROWSER))
    assert answer.headers["location"] == TARGET
    assert len(await house.rows("SELECT 1 FROM replies.clicks")) == MOST
    assert len(await house.events("TouchClicked")) == 1
    elsewhere = Click(click.tenant_id, click.touch_id, click.person_id, f"{TARGET}2")
    await beside.follow(signer.sign(elsewhere), Headers(BROWSER))
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
