"""Leads seen whole, changed, explained and parted; what tenants set for them."""

import pytest
from sqlalchemy import text

from followup_contracts.events import LeadCaptured, LeadUpdated

WORDING = "You may write to me about my roof."


async def _patch(intake, lead: str, body, **more):
    headers = {"Authorization": f"Bearer {intake.token}"}
    return await intake.client.patch(f"/v1/leads/{lead}", json=body, headers=headers, **more)


async def _put(intake, path: str, body):
    headers = {"Authorization": f"Bearer {intake.token}"}
    return await intake.client.put(path, json=body, headers=headers)


async def test_a_lead_is_changed_and_its_past_kept(intake, ada):
    """What is named is changed and announced by name; what it was stands in its history."""
    lead = (await intake.post(json=ada)).json()["lead_id"]
    body = {
        "need": "a new floor",
        "value": 1200,
        "attributes": {"colour": "red"},
        "person": {"last_name": "Byron", "stated_zone": "Europe/London", "phone": "212 555 0199"},
    }
    answer = await _patch(intake, lead, body)
    assert answer.status_code == 200, answer.text
    whole = answer.json()
    assert (whole["need"], float(whole["value"]), whole["attributes"]["colour"]) == (
        "a new floor",
        1200,
        "red",
    )
    assert (whole["person"]["first_name"], whole["person"]["last_name"]) == ("Ada", "Byron")
    assert {p["address"] for p in whole["person"]["phones"]} == {"+12125550123", "+12125550199"}
    history = (await intake.get(f"/v1/leads/{lead}/history")).json()["changes"]
    changes = {name: pair for each in history for name, pair in each["changes"].items()}
    assert changes["need"] == {"from": "a new roof", "to": "a new floor"}
    assert changes["person.last_name"] == {"from": None, "to": "Byron"}
    assert changes["person.phone"]["to"] == "+12125550199"
    updated = [event for event in await intake.events() if isinstance(event, LeadUpdated)]
    assert set(updated[0].changed) >= {"need", "value", "person.last_name", "person.phone"}


async def test_a_change_that_changes_nothing_is_not_told(intake, ada):
    """No event, no history."""
    lead = (await intake.post(json=ada)).json()["lead_id"]
    assert (await _patch(intake, lead, {"need": "a new roof"})).status_code == 200
    assert not [event for event in await intake.events() if isinstance(event, LeadUpdated)]
    assert (await intake.get(f"/v1/leads/{lead}/history")).json()["changes"] == []


async def test_an_address_of_somebody_else_is_not_taken(intake, ada, pointers):
    """409 with a pointer; one that reaches nobody is 422, and nothing is changed."""
    lead = (await intake.post(json=ada)).json()["lead_id"]
    await intake.post(json={"first_name": "Bob", "email": "bob@example.com"})
    taken = await _patch(intake, lead, {"need": "x", "person": {"email": "Bob@example.com"}})
    assert (taken.status_code, pointers(taken)) == (409, ["/person/email"])
    bad = await _patch(intake, lead, {"need": "x", "person": {"phone": "123"}})
    assert (bad.status_code, pointers(bad)) == (422, ["/person/phone"])
    assert (await intake.get(f"/v1/leads/{lead}")).json()["need"] == "a new roof"


async def test_a_shared_phone_is_explained_and_parted(intake, ada):
    """The second enquirer becomes somebody of their own, with what they alone have given."""
    first = (await intake.post(json=ada)).json()
    bob = {"first_name": "Bob", "phone": ada["phone"], "email": "bob@example.com", "consent": "no"}
    second = (await intake.post(json=bob)).json()
    assert (second["merged"], second["person_id"]) == (True, first["person_id"])
    history = (await intake.get(f"/v1/leads/{second['lead_id']}/history")).json()
    (merge,) = history["merges"]
    assert (merge["lead_id"], merge["matched"]) == (second["lead_id"], ["phone"])
    assert "same phone" in merge["why"]

    parted = await intake.post(f"/v1/leads/{second['lead_id']}/unmerge")
    assert parted.status_code == 200, parted.text
    person = parted.json()["person"]
    assert person["id"] != first["person_id"]
    assert (person["first_name"], [e["address"] for e in person["emails"]], person["phones"]) == (
        "Bob",
        ["bob@example.com"],
        [],
    )
    assert person["consent"]["email"] == "no"
    kept = (await intake.get(f"/v1/leads/{first['lead_id']}")).json()["person"]
    assert (kept["consent"]["email"], len(kept["phones"])) == ("yes", 1)
    again = await intake.post(f"/v1/leads/{second['lead_id']}/unmerge")
    assert again.status_code == 409


async def test_two_persons_found_to_be_one_become_two_again(intake, ada):
    """With what each of them had: names, contact points, leads and consent.

    Which of them it was that said no nobody knows any more: it holds for both.
    """
    ada_lead = (await intake.post(json={**ada, "email": None})).json()
    said = await intake.post(f"/v1/leads/{ada_lead['lead_id']}/consent", json={"state": "refused"})
    (record,) = [each for each in said.json()["records"] if each["method"] == "refusal"]
    assert (said.status_code, record["state"]) == (201, "unknown")
    eve = {"first_name": "Eve", "last_name": "Moss", "email": "eve@example.com", "city": "Reno"}
    eve_lead = (await intake.post(json=eve)).json()
    link = {"phone": ada["phone"], "email": "eve@example.com"}
    linked = (await intake.post(json=link)).json()
    assert linked["person_id"] == ada_lead["person_id"]
    whole = (await intake.get(f"/v1/leads/{eve_lead['lead_id']}")).json()
    assert whole["person_id"] == ada_lead["person_id"]

    parted = await intake.post(f"/v1/leads/{eve_lead['lead_id']}/unmerge")
    assert parted.status_code == 200, parted.text
    person = parted.json()["person"]
    assert (person["id"], person["last_name"], person["city"]) == (
        eve_lead["person_id"],
        "Moss",
        "Reno",
    )
    assert [e["address"] for e in person["emails"]] == ["eve@example.com"]
    kept = (await intake.get(f"/v1/leads/{ada_lead['lead_id']}")).json()["person"]
    assert (kept["first_name"], kept["emails"]) == ("Ada", [])
    for each in (ada_lead, eve_lead):
        told = (await intake.get(f"/v1/leads/{each['lead_id']}/consent")).json()
        assert told["refused"]["voice"]


async def test_a_lead_with_nothing_of_its_own_stays(intake, ada):
    """Nobody could be reached if it were parted."""
    await intake.post(json=ada)
    again = (await intake.post(json=ada)).json()
    answer = await intake.post(f"/v1/leads/{again['lead_id']}/unmerge")
    assert (answer.status_code, answer.json()["title"]) == (409, "Nothing of its own")


async def test_attributes_are_held_to_their_tenants_schema(intake, ada, pointers):
    """Read as their type, refused with a pointer where they do not fit, in every way in."""
    schema = {
        "attributes": {
            "rooms": {"type": "integer", "required": True},
            "kind": {"type": "choice", "choices": ["House", "Flat"]},
        },
        "strict": True,
    }
    assert (await _put(intake, "/v1/attributes", schema)).status_code == 200
    bad = {**ada, "attributes": {"rooms": "many", "kind": "castle", "pets": 2}}
    answer = await intake.post(json=bad)
    assert answer.status_code == 422
    assert pointers(answer) == ["/attributes/rooms", "/attributes/kind", "/attributes/pets"]
    assert pointers(await intake.post(json=ada)) == ["/attributes/rooms"]
    good = (await intake.post(json={**ada, "attributes": {"rooms": "4", "kind": "flat"}})).json()
    whole = (await intake.get(f"/v1/leads/{good['lead_id']}")).json()
    assert whole["attributes"] == {"rooms": 4, "kind": "Flat"}
    patched = await _patch(intake, good["lead_id"], {"attributes": {"rooms": 2.5}})
    assert pointers(patched) == ["/attributes/rooms"]


async def test_a_tenants_rules_choose_the_sequence_and_say_why(intake, ada):
    """The first that fits, in every way in; each that does not says what is against it."""
    rules = [
        {"name": "big", "sequence": "vip", "value_from": 10_000},
        {"sequence": "roofs", "sources": ["web_form"], "need_words": ["roof"]},
    ]
    assert (await _put(intake, "/v1/routing", {"rules": rules})).status_code == 200
    test = (await intake.post("/v1/routing/test", json=ada)).json()
    assert (test["sequence"], test["why"]) == ("roofs", "rule 2 fits")
    assert [(r["rule"], r["fits"], r["why"]) for r in test["rules"]] == [
        ("big", False, "its value is not known"),
        ("rule 2", True, "everything it asks for fits"),
    ]
    other = (await intake.post("/v1/routing/test", json={**ada, "source": "referral"})).json()
    assert other["sequence"] is None
    assert "source is referral, not web_form" in other["rules"][1]["why"]
    await intake.post(json=ada)
    await intake.post(json={**ada, "sequence": "own", "value": 20_000})
    captured = [event for event in await intake.events() if isinstance(event, LeadCaptured)]
    assert [event.sequence for event in captured] == ["roofs", "own"]


async def test_consent_is_a_record_with_its_proof(intake, ada):
    """Wording and its hash, seller, addresses, page and method; appended, never changed."""
    said = {**ada, "consent_text": WORDING, "consent_page": "https://example.com/quote"}
    lead = (await intake.post(json=said)).json()["lead_id"]
    body = {
        "channel": "sms",
        "state": "yes",
        "wording": WORDING,
        "method": "paper",
        "ip": "192.0.2.1",
        "jurisdiction": "US-NY",
    }
    answer = await intake.post(f"/v1/leads/{lead}/consent", json=body)
    assert answer.status_code == 201, answer.text
    first, second = answer.json()["records"]
    assert (first["wording"], first["page"], first["method"]) == (
        WORDING,
        "https://example.com/quote",
        "api",
    )
    assert (first["seller"], sorted(first["addresses"])) == (
        "Acme",
        ["+12125550123", "Ada@example.com"],
    )
    assert first["wording_sha256"] == second["wording_sha256"] != None  # noqa: E711 - a chain
    assert (second["addresses"], second["jurisdiction"]) == (["+12125550123"], "US-NY")
    no = await intake.post(f"/v1/leads/{lead}/consent", json={"state": "no", "channel": "sms"})
    assert (no.json()["consent"]["sms"], no.json()["consent"]["email"]) == ("no", "yes")
    assert no.json()["records"][:2] == [first, second]
    assert no.json()["sha256"] != answer.json()["sha256"]


async def test_a_yes_without_its_wording_proves_nothing(intake, ada, pointers):
    """It is refused."""
    lead = (await intake.post(json=ada)).json()["lead_id"]
    answer = await intake.post(f"/v1/leads/{lead}/consent", json={"state": "yes"})
    assert (answer.status_code, pointers(answer)) == (422, ["/wording"])


async def test_a_record_of_consent_is_never_changed(intake, ada):
    """Neither role may: what was said stays as it was said."""
    await intake.post(json=ada)
    change = text("UPDATE people.consents SET state = 'no'")
    for database, tenant in (
        (intake.databases.api, intake.tenant.id),
        (intake.databases.worker, None),
    ):
        with pytest.raises(Exception, match="permission denied"):
            async with database.transaction(tenant=tenant) as tx:
                await tx.run(change)


async def test_a_consent_is_confirmed_by_its_reader_alone(intake, ada):
    """Opening the link, as scanners do, confirms nothing; the button does, once."""
    lead = (await intake.post(json={**ada, "consent": None})).json()["lead_id"]
    asked = {"channel": "email", "wording": f"<b>{WORDING}</b>", "page": "https://example.com"}
    made = await intake.post(f"/v1/leads/{lead}/consent/confirmation", json=asked)
    link = made.json()["url"].removeprefix("http://intake")
    shown = await intake.client.get(link)
    assert "&lt;b&gt;You may write" in shown.text
    assert (await intake.get(f"/v1/leads/{lead}/consent")).json()["consent"]["email"] == "unknown"
    for _ in range(2):
        done = await intake.client.post(link, headers={"User-Agent": "Mail/1"})
        assert (done.status_code, "Thank you" in done.text) == (200, True)
    proof = (await intake.get(f"/v1/leads/{lead}/consent")).json()
    assert proof["consent"]["email"] == "yes"
    (record,) = [r for r in proof["records"] if r["method"] == "double_opt_in"]
    assert record["confirmed_at"] is not None
    assert (record["user_agent"], record["addresses"]) == ("Mail/1", ["Ada@example.com"])
    assert (await intake.client.get("/c/nobodys-token")).status_code == 404


@pytest.mark.parametrize("body", [{"state": "maybe"}, {"state": "yes", "at": "2026-01-01"}, {}])
async def test_what_is_no_consent_is_refused(intake, ada, body):
    """422, never 500."""
    lead = (await intake.post(json=ada)).json()["lead_id"]
    answer = await intake.post(f"/v1/leads/{lead}/consent", json=body)
    assert answer.status_code == 422
