"""Tenants and keys over HTTP: what each may do, and what is on record of it."""

from datetime import timedelta

import httpx
import pytest
from pydantic import ValidationError
from sqlalchemy import text

from followup_directory import CELL, create_key
from followup_intake.routes.keys import Rotation


async def _key(intake, *scopes: str, per_minute: int | None = None) -> str:
    async with intake.databases.worker.transaction() as tx:
        made = await create_key(
            tx, intake.tenant.id, "of a test", scopes=scopes, per_minute=per_minute
        )
    return made.token


async def _ask(intake, method: str, path: str, token: str, **more) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return await intake.client.request(method, path, headers=headers, **more)


async def test_a_key_makes_keys_that_can_do_no_more_than_itself(intake, pointers):
    """Scopes it lacks, scopes nobody has and the operator's are refused with a pointer."""
    maker = await _key(intake, "keys:write", "keys:read", "read", "leads:write")
    body = {"name": "crm", "scopes": ["leads:write", "tasks:read"]}
    made = await _ask(intake, "POST", "/v1/keys", maker, json=body)
    assert made.status_code == 201, made.text
    assert (await intake.get("/v1/imports", token=made.json()["key"])).status_code == 403

    for scope in ("leads:erase", "sequences:write", CELL, "*"):
        refused = await _ask(
            intake, "POST", "/v1/keys", maker, json={"name": "x", "scopes": [scope]}
        )
        assert (refused.status_code, pointers(refused)) == (422, ["/scopes"]), scope
    listed = (await _ask(intake, "GET", "/v1/keys", maker)).json()["keys"]
    assert made.json()["id"] in {key["id"] for key in listed}
    assert all("key" not in key and "hash" not in key for key in listed)


async def test_even_a_key_for_everything_is_not_the_operators(intake):
    """`*` neither lists tenants nor makes a key that does."""
    assert (await intake.get("/v1/tenants")).status_code == 403
    body = {"name": "x", "scopes": [CELL]}
    assert (await intake.post("/v1/keys", json=body)).status_code == 422


async def test_a_rotated_key_works_beside_the_new_one_until_its_grace_ends(intake):
    """The new one has its name, scopes and limit; without grace the old one ends at once."""
    old = (await intake.post("/v1/keys", json={"name": "crm", "scopes": ["read"]})).json()
    path = f"/v1/keys/{old['id']}/rotate"
    new = await intake.post(path, json={"grace_seconds": 3600})
    assert new.status_code == 201, new.text
    for token in (old["key"], new.json()["key"]):
        assert (await intake.get("/v1/imports", token=token)).status_code == 200
    assert (await intake.post(path)).status_code == 404

    last = await intake.post(f"/v1/keys/{new.json()['id']}/rotate", json={"grace_seconds": 0})
    listed = {key["id"]: key for key in (await intake.get("/v1/keys")).json()["keys"]}
    assert listed[old["id"]]["replaced_by"] == new.json()["id"]
    assert listed[last.json()["id"]]["scopes"] == ["read"]
    ended = await intake.rows(
        "SELECT id FROM directory.api_keys WHERE expires_at <= clock_timestamp()"
    )
    assert [str(row["id"]) for row in ended] == [new.json()["id"]]


async def test_a_key_that_was_to_end_does_not_live_on_by_being_rotated(intake):
    """The new one ends when the old one was to, and so does one made from that."""
    ends_at = "2999-12-31T23:59:59+00:00"
    wanted = {"name": "until then", "scopes": ["read"], "expires_at": ends_at}
    key = (await intake.post("/v1/keys", json=wanted)).json()
    for _ in range(2):
        rotated = await intake.post(f"/v1/keys/{key['id']}/rotate", json={"grace_seconds": 60})
        assert rotated.status_code == 201, rotated.text
        key = rotated.json()
    listed = {each["id"]: each for each in (await intake.get("/v1/keys")).json()["keys"]}
    assert listed[key["id"]]["expires_at"] == ends_at
    replaced = [each for each in listed.values() if each["replaced_by"]]
    assert len(replaced) == 2
    assert all(each["expires_at"] < ends_at for each in replaced)


async def test_an_expired_key_is_refused(intake):
    """From its moment on, like one that was revoked."""
    token = await _key(intake, "read")
    await intake.rows(
        "UPDATE directory.api_keys SET expires_at = clock_timestamp() WHERE name = 'of a test'"
        " RETURNING id"
    )
    assert (await intake.get("/v1/imports", token=token)).status_code == 401


async def test_a_limited_key_is_told_where_it_stands_and_stopped(intake):
    """Every answer has the policy and what is left; behind it 429 with when to come again."""
    token = await _key(intake, "read", per_minute=3)
    # A minute may begin between any two of them: so many that four are in one.
    answers = [await intake.get("/v1/imports", token=token) for _ in range(7)]
    codes = [answer.status_code for answer in answers]
    assert codes[:3] == [200, 200, 200]
    assert answers[0].headers["RateLimit-Policy"] == '"key";q=3;w=60'
    assert answers[0].headers["RateLimit"].startswith('"key";r=2;t=')
    stopped = [answer for answer in answers if answer.status_code == 429]
    assert len(stopped) >= 1
    assert 1 <= int(stopped[0].headers["Retry-After"]) <= 60
    assert stopped[0].headers["RateLimit"].startswith('"key";r=0;t=')
    unlimited = await intake.get("/v1/imports")
    assert "RateLimit" not in unlimited.headers


async def test_a_tenant_is_made_given_a_key_suspended_and_deleted(intake, pointers):
    """By the operator alone; a suspended tenant's key ends, a deleted one's for good."""
    operator = await _key(intake, CELL, "*")
    body = {"slug": "new", "name": "New", "settings": {"default_country": "GB"}}
    made = await _ask(intake, "POST", "/v1/tenants", operator, json=body)
    assert made.status_code == 201, made.text
    path = f"/v1/tenants/{made.json()['id']}"
    assert (await _ask(intake, "POST", "/v1/tenants", operator, json=body)).status_code == 409
    listed = (await _ask(intake, "GET", "/v1/tenants", operator)).json()["tenants"]
    assert [tenant["slug"] for tenant in listed] == ["acme", "other", "new"]

    wanted = {"name": "first", "scopes": ["*"]}
    key = (await _ask(intake, "POST", f"{path}/keys", operator, json=wanted)).json()["key"]
    assert (await intake.get("/v1/imports", token=key)).status_code == 200
    assert (await intake.get("/v1/tenants", token=key)).status_code == 403

    nowhere = {"settings": {"zone": "Mars/Olympus_Mons"}}
    refused = await _ask(intake, "PATCH", path, operator, json=nowhere)
    assert (refused.status_code, pointers(refused)) == (422, ["/settings/zone"])

    await _ask(intake, "PATCH", path, operator, json={"state": "suspended"})
    second = await _ask(intake, "POST", f"{path}/keys", operator, json=wanted)
    assert (await intake.get("/v1/imports", token=second.json()["key"])).status_code == 401
    await _ask(intake, "PATCH", path, operator, json={"state": "active"})
    assert (await intake.get("/v1/imports", token=second.json()["key"])).status_code == 200

    assert (await _ask(intake, "DELETE", path, operator)).status_code == 202
    again = await _ask(intake, "PATCH", path, operator, json={"state": "active"})
    assert again.status_code == 409
    more = await _ask(intake, "POST", f"{path}/keys", operator, json=wanted)
    assert more.status_code == 409
    told = (await _ask(intake, "GET", path, operator)).json()
    assert (told["state"], told["name"], told["settings"]["business_name"]) == ("deleted", "", "")
    assert told["removal"]["waiting"] == ["dispatcher", "intake", "replies", "scheduler"]
    assert (await _ask(intake, "POST", "/v1/tenants", operator, json=body)).status_code == 201


@pytest.mark.parametrize(
    ("settings", "pointer"),
    [({"sandbocks": True}, "/settings/sandbocks"), ({"audience": "b2x"}, "/settings/audience")],
    ids=["unknown", "unfit"],
)
async def test_a_setting_that_does_not_fit_is_pointed_at(intake, pointers, settings, pointer):
    """And nothing is changed."""
    operator = await _key(intake, CELL)
    path = f"/v1/tenants/{intake.tenant.id}"
    answer = await _ask(intake, "PATCH", path, operator, json={"settings": settings})
    assert (answer.status_code, pointers(answer)) == (422, [pointer])


async def test_what_keys_change_is_on_record(intake, ada):
    """Who, what, whom it concerned; refusals and reading are not; found by each of them."""
    lead = (await intake.post(json=ada)).json()
    await intake.post(json={"phone": "nobody"})
    await intake.get(f"/v1/leads/{lead['lead_id']}")
    event = {"kind": "deal.stage_changed", "stage": "won"}
    await intake.post(f"/v1/leads/{lead['lead_id']}/events", json=event)
    made = (await intake.post("/v1/keys", json={"name": "k", "scopes": ["read"]})).json()

    entries = (await intake.get("/v1/audit")).json()["entries"]
    assert [entry["action"] for entry in entries] == [
        "POST /v1/keys",
        "POST /v1/leads/{lead_id}/events",
        "POST /v1/leads",
    ]
    assert {entry["actor"] for entry in entries} == {"key"}
    assert len({entry["key_id"] for entry in entries}) == 1
    about = (await intake.get(f"/v1/audit?subject={lead['lead_id']}")).json()["entries"]
    assert [entry["id"] for entry in about] == [entries[1]["id"], entries[2]["id"]]
    assert (await intake.get(f"/v1/audit?key_id={made['id']}")).json()["entries"] == []
    page = (await intake.get("/v1/audit?limit=1")).json()
    rest = (await intake.get(f"/v1/audit?before={page['next']}")).json()["entries"]
    assert page["entries"] + rest == entries
    exported = await intake.get("/v1/audit/export?action=POST%20/v1/leads")
    assert exported.text.count("\n") == 1
    assert lead["lead_id"] in exported.text
    assert (await intake.get("/v1/audit", token=intake.other_token)).json()["entries"] == []


async def test_the_record_cannot_be_changed(intake, ada):
    """Neither role may update an entry; what a key reaches may not delete one either."""
    await intake.post(json=ada)
    for database, tenant, statement in (
        (intake.databases.api, intake.tenant.id, "UPDATE directory.audit SET action = 'x'"),
        (intake.databases.api, intake.tenant.id, "DELETE FROM directory.audit"),
        (intake.databases.worker, None, "UPDATE directory.audit SET action = 'x'"),
    ):
        with pytest.raises(Exception, match="permission denied"):
            async with database.transaction(tenant=tenant) as tx:
                await tx.run(text(statement))


def test_grace_is_bounded():
    """A month at most: an old key is not kept by rotating it."""
    assert timedelta(seconds=Rotation().grace_seconds) == timedelta(days=1)
    with pytest.raises(ValidationError):
        Rotation(grace_seconds=31 * 86_400)
