"""The way out of e-mail, and the list as the API shows it."""

import pytest

from followup_contracts.events import ContactOptedOut
from followup_suppression import ACKNOWLEDGE_AFTER


async def test_following_the_link_unsubscribes_nobody(house):
    """GET shows a page with a button: scanners follow links (RFC 8058)."""
    token = house.unsubscribe_token(await house.lead())
    answer = await house.client.get(f"/u/{token}")
    assert answer.status_code == 200
    assert '<form method="post">' in answer.text
    assert await house.listed("email", "ada@example.com") == set()
    assert await house.events() == []


@pytest.mark.parametrize(
    "request_",
    [
        {"data": {"List-Unsubscribe": "One-Click"}},
        {"files": {"List-Unsubscribe": (None, "One-Click")}},
        {},
    ],
    ids=["urlencoded", "multipart", "nothing"],
)
async def test_one_post_unsubscribes(house, request_):
    """At once, without key, cookie or redirect, whatever the body; behind the fence."""
    lead = await house.lead()
    token = house.unsubscribe_token(lead)
    answer = await house.client.post(f"/u/{token}", **request_)
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert await house.listed("email", "ada@example.com") == {"all"}
    assert (await house.consent(lead.person_id))["email"] == "no"
    (event,) = await house.events()
    assert isinstance(event, ContactOptedOut)
    assert (event.person_id, event.channel, event.via) == (lead.person_id, "email", "link")
    assert sum(house.wall.slept) >= ACKNOWLEDGE_AFTER
    assert (await house.client.post(f"/u/{token}")).status_code == 200


async def test_a_stop_without_a_reply_holds_its_person(house):
    """By link or API: until the scheduler has decided on the event, whose id names the hold."""
    lead = await house.lead()
    await house.client.post(f"/u/{house.unsubscribe_token(lead)}")
    await house.api("PUT", "/v1/suppressions", json={"address": "+12125550123"})

    told = await house.rows("SELECT id FROM messaging.outbox ORDER BY id")
    holds = await house.rows("SELECT * FROM suppression.holds ORDER BY reply_id")
    assert [hold["reply_id"] for hold in holds] == [event["id"] for event in told]
    assert {(hold["tenant_id"], hold["person_id"]) for hold in holds} == {
        (lead.tenant_id, lead.person_id)
    }


async def test_the_link_works_after_its_person_is_gone(house):
    """Erased: the address stays stopped, and no trace of a person is made again."""
    lead = await house.lead()
    token = house.unsubscribe_token(lead)
    for table in ("consents", "contact_points", "leads"):
        await house.rows(f"DELETE FROM people.{table} RETURNING 1")
    await house.rows("DELETE FROM people.persons RETURNING 1")
    assert (await house.client.post(f"/u/{token}")).status_code == 200
    assert await house.listed("email", "ada@example.com") == {"all"}
    assert await house.rows("SELECT 1 FROM people.consents") == []


async def test_a_token_of_another_kind_or_none(house):
    """Forged, cut or made for something else: 404 and nothing stopped."""
    lead = await house.lead()
    token = house.unsubscribe_token(lead)
    link = house.unsubscribe_token(lead, kind="link")
    for wrong in (token[:-1], token[:-1] + ("A" if token[-1] != "A" else "B"), link, "x"):
        assert (await house.client.get(f"/u/{wrong}")).status_code == 404
        assert (await house.client.post(f"/u/{wrong}")).status_code == 404
    assert await house.rows("SELECT 1 FROM suppression.list") == []


async def test_the_api_lists_and_lifts(house):
    """PUT lists behind the fence and tells, GET shows hashes alone, DELETE lifts that entry."""
    lead = await house.lead()
    body = {"address": "+12125550123", "channel": "voice", "reason": "requested"}
    answer = await house.api("PUT", "/v1/suppressions", json=body)
    assert answer.status_code == 200
    assert sum(house.wall.slept) >= ACKNOWLEDGE_AFTER
    (event,) = await house.events()
    assert (event.person_id, event.channel, event.via) == (lead.person_id, "voice", "api")
    await house.api("PUT", "/v1/suppressions", json={"address": "X@Example.com"})
    first = (await house.api("GET", "/v1/suppressions", params={"limit": 1})).json()
    rest = (await house.api("GET", "/v1/suppressions", params={"cursor": first["next"]})).json()
    found = first["items"] + rest["items"]
    assert {(i["kind"], i["channel"]) for i in found} == {("phone", "voice"), ("email", "all")}
    assert "12125550123" not in str(found)
    lifted = await house.api("DELETE", "/v1/suppressions", json=body)
    assert lifted.json() == {"lifted": True}
    assert await house.listed("phone", "+12125550123") == set()
    again = await house.api("DELETE", "/v1/suppressions", json=body)
    assert again.json() == {"lifted": False}


async def test_an_address_that_is_none(house):
    """What can't be an address, or not of that channel: 422."""
    tries = [
        {"address": "12125550123"},
        {"address": "+1 212 555"},
        {"address": "x@y.z", "channel": "sms"},
        {"address": "+12125550123", "channel": "email"},
        {"address": "+12125550123", "reason": "Bad Reason!"},
        {"address": "+12125550123", "more": 1},
        {},
    ]
    for body in tries:
        assert (await house.api("PUT", "/v1/suppressions", json=body)).status_code == 422
    assert await house.rows("SELECT 1 FROM suppression.list") == []


async def test_the_list_needs_a_key(house):
    """No key, no list; a strange cursor is a mistake of the caller's."""
    assert (await house.client.get("/v1/suppressions")).status_code == 401
    for cursor in ("x", "WyJ6eiIsICJhbGwiXQ", "WyIwMCIsICJmYXgiXQ"):
        answer = await house.api("GET", "/v1/suppressions", params={"cursor": cursor})
        assert answer.status_code == 422


async def test_a_list_kept_elsewhere_is_taken_as_a_whole(house):
    """Known people stop by event, strangers are listed; a second import finds all standing."""
    lead = await house.lead()
    items = [
        {"address": "+12125550123", "reason": "old_list"},
        {"address": "nobody@example.org", "channel": "email"},
        {"address": "+12125550199", "channel": "sms"},
    ]
    first = await house.api("POST", "/v1/suppressions/import", json={"items": items})
    again = await house.api("POST", "/v1/suppressions/import", json={"items": items})
    assert [(answer.status_code, answer.json()) for answer in (first, again)] == [
        (200, {"listed": 3}),
        (200, {"listed": 0}),
    ]
    assert await house.listed("phone", "+12125550123") == {"all"}
    assert await house.listed("email", "nobody@example.org") == {"email"}
    assert await house.listed("phone", "+12125550199") == {"sms"}
    assert set(await house.held()) == {lead.person_id}


async def test_one_wrong_entry_refuses_the_whole_list(house):
    """The pointer says which; nothing is listed."""
    items = [{"address": "a@example.org"}, {"address": "555"}]
    answer = await house.api("POST", "/v1/suppressions/import", json={"items": items})
    assert answer.status_code == 422
    assert "/items/1" in answer.text
    assert await house.listed("email", "a@example.org") == set()
