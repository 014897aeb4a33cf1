"""Endpoints by the API: made, seen, changed, and by whom."""

import socket
from uuid import UUID

import pytest
from certificates import host
from receiver import Told, receiving

from followup_directory import Vault, create_key
from followup_directory.vault import new_secret_key
from followup_intake.core.redelivery import Answered, Unanswered
from followup_intake.outgoing.endpoints import MOST
from followup_intake.outgoing.line import KEPT_CHARACTERS, Line

URL = "https://example.com/hook"


async def test_a_secret_is_shown_once_and_sealed(house):
    """It is in the form of Standard Webhooks, and neither listed nor to be read at rest."""
    made = await house.endpoint(description="the CRM")
    assert made["secret"].startswith("whsec_")
    listed = (await house.ask("GET", "/v1/endpoints")).json()["items"]
    assert [(e["id"], e["description"], e["state"]) for e in listed] == [
        (made["id"], "the CRM", "active")
    ]
    assert "secret" not in listed[0]
    (row,) = await house.rows("SELECT * FROM intake.endpoints")
    assert made["secret"].removeprefix("whsec_").encode() not in bytes(row["secrets"])


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"url": "http://example.com/"}, "/url"),
        ({"url": "https://10.0.0.1/"}, "/url"),
        ({"url": "https://user:password@example.com/"}, "/url"),
        ({"url": ""}, "/url"),
        ({}, "/url"),
        ({"url": URL, "types": ["followup.nothing.v1"]}, "/types/0"),
        ({"url": URL, "types": ["followup.touch.send.v1"]}, "/types/0"),
        ({"url": URL, "secret": "whsec_of-my-own"}, "/secret"),
    ],
)
async def test_a_mistake_is_pointed_at(house, body, pointer):
    """A URL that may not be called, a type nobody is told of, a field there is not."""
    answer = await house.ask("POST", "/v1/endpoints", json=body)
    assert answer.status_code == 422
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]


async def test_a_tenant_has_so_many_endpoints_and_no_more(house):
    """Each event goes to all of them, so there is an end."""
    for number in range(MOST):
        await house.endpoint(f"/{number}")
    answer = await house.ask("POST", "/v1/endpoints", json={"url": URL})
    assert answer.status_code == 409


async def test_whoever_has_leads_told_must_be_allowed_to_read_them(house):
    """A key for endpoints alone is no way to everybody's data."""
    async with house.databases.worker.transaction() as tx:
        key = await create_key(tx, house.tenant.id, "k", scopes=("endpoints:write",))
    answer = await house.ask("POST", "/v1/endpoints", json={"url": URL}, token=key.token)
    assert answer.status_code == 403
    assert "leads:read" in answer.json()["detail"]


async def test_another_tenant_s_endpoint_is_not_there(house):
    """By none of its routes, and none of its events arrive."""
    made = await house.endpoint()
    one = f"/v1/endpoints/{made['id']}"
    asked = [
        ("GET", one, None),
        ("PATCH", one, {"state": "disabled"}),
        ("DELETE", one, None),
        ("POST", f"{one}/secret", {}),
        ("POST", f"{one}/test", None),
        ("GET", f"{one}/deliveries", None),
        ("POST", f"{one}/replay", {"since": "2020-01-01T00:00:00Z"}),
    ]
    for method, path, body in asked:
        answer = await house.ask(method, path, json=body, token=house.other_token)
        assert answer.status_code == 404, path
    their_lead = {"first_name": "Bo", "phone": "(212) 555-0177", "country": "US"}
    await house.ask("POST", "/v1/leads", json=their_lead, token=house.other_token)
    await house.deliver()
    assert house.receiver.heard == []
    assert (await house.seen(made))["state"] == "active"


async def test_a_disabled_endpoint_gets_nothing_and_a_deleted_one_neither(house):
    """What waited for it goes on when it is enabled again; of a deleted one nothing is left."""
    made = await house.endpoint()
    one = f"/v1/endpoints/{made['id']}"
    await house.lead(1)
    await house.replicas[0].distribute()
    disabled = await house.ask("PATCH", one, json={"state": "disabled"})
    assert (disabled.json()["state"], disabled.json()["reason"]) == ("disabled", "by request")
    for path in (f"{one}/test", f"{one}/replay"):
        answer = await house.ask("POST", path, json={"since": "2020-01-01T00:00:00Z"})
        assert answer.status_code == 409
    await house.lead(2)
    await house.deliver()
    assert house.receiver.heard == []
    await house.ask("PATCH", one, json={"state": "active"})
    await house.deliver()
    assert len(house.receiver.heard) == 1
    await house.lead(3)
    await house.replicas[0].distribute()
    assert (await house.ask("DELETE", one)).status_code == 204
    await house.replicas[0].deliver()
    assert len(house.receiver.heard) == 1
    assert (await house.ask("GET", one)).status_code == 404


async def test_what_is_changed_is_on_record(house):
    """The audit says which key did what to which endpoint, without URL or secret."""
    made = await house.endpoint("/secret-path")
    await house.ask("POST", f"/v1/endpoints/{made['id']}/secret", json={})
    entries = (await house.ask("GET", "/v1/audit")).json()["entries"]
    actions = {entry["action"]: entry for entry in entries}
    assert made["id"] in actions["POST /v1/endpoints"]["subjects"]
    assert made["id"] in actions["POST /v1/endpoints/{endpoint_id}/secret"]["subjects"]
    assert "secret-path" not in str(entries)
    assert "whsec_" not in str(entries)


async def test_an_answer_is_kept_short_and_as_text(house):
    """Bytes that are no text and NUL, which no database takes, are replaced."""
    made = await house.endpoint()
    house.receiver.answers["/hook"] = [Told(500, b"\x00\xff" + b"\xc3\xa9" * 100_000)]
    await house.lead()
    await house.deliver()
    (listed,) = await house.deliveries(made)
    (tried,) = (await house.tries(made, listed["id"]))["tries"]
    assert tried["answer"][:3] == "\ufffd\ufffdé"
    assert len(tried["answer"]) == KEPT_CHARACTERS


async def test_what_an_endpoint_answered_about_somebody_goes_with_them(house):
    """It may repeat what it was told: erased with its person, and not kept of one who was."""
    made = await house.endpoint()
    house.receiver.answers["/hook"] = [Told(500, b"no Ada here")]
    lead = await house.lead()
    await house.deliver()
    assert len(await house.rows("SELECT FROM intake.delivery_attempts WHERE answer <> ''")) == 1
    assert (await house.ask("DELETE", f"/v1/leads/{lead}")).status_code == 202
    await house.replicas[0].loop("intake:rights").run_once()
    await house.hurry()
    await house.deliver()
    rows = await house.rows("SELECT status, answer FROM intake.delivery_attempts")
    assert [(row["status"], row["answer"]) for row in rows] == [(500, None)] * 2
    assert len(await house.deliveries(made)) == 1


async def test_a_name_that_stands_for_this_machine_is_not_connected_to(house):
    """Checked where the connection is made, whatever the URL looked like."""
    port = house.receiver.url.rpartition(":")[2]
    line = Line(loopback=False)
    try:
        # An old way of writing 127.0.0.1 that a look at the URL takes for a name.
        assert socket.gethostbyname("0x7f000001") == "127.0.0.1"
        for path in ("/", "/again"):
            told = await line.post(f"https://0x7f000001:{port}{path}", b"{}", {})
            assert isinstance(told, Unanswered)
            assert "not on the open Internet" in told.why
    finally:
        await line.close()
    assert house.receiver.heard == []


async def test_what_cannot_be_reached_says_so_without_the_url(house):
    """A closed port and a name there is not: an attempt without a status."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/token-in-a-path"
        answer = await house.ask("POST", "/v1/endpoints", json={"url": url})
        await house.lead()
        await house.deliver()
    made = answer.json()
    (listed,) = await house.deliveries(made)
    (tried,) = (await house.tries(made, listed["id"]))["tries"]
    assert tried["status"] is None
    assert tried["error"].startswith("it cannot be reached")
    assert "token" not in tried["error"]


async def test_a_name_is_called_by_its_name(house):
    """The address is looked up here; `Host` is what the owner wrote."""
    port = house.receiver.url.rpartition(":")[2]
    line = Line(loopback=True)
    try:
        told = await line.post(f"http://localhost:{port}/hook", b"{}", {})
    finally:
        await line.close()
    assert told == Answered(200, None, "thanks")
    assert house.receiver.heard[0].headers["host"] == f"localhost:{port}"


async def test_nothing_is_kept_between_two_calls(house):
    """A cookie that one endpoint sets is sent to none, and not back to it either."""
    line = Line(loopback=True)
    house.receiver.answers["/hook"] = [Told(headers={"Set-Cookie": "a=b; Path=/"})]
    try:
        for _ in range(2):
            await line.post(f"{house.receiver.url}/hook", b"{}", {})
    finally:
        await line.close()
    assert all("cookie" not in heard.headers for heard in house.receiver.heard)


async def test_a_certificate_must_be_good(house, tmp_path):
    """One that nobody vouches for is as good as none: the delivery is tried again."""
    async with receiving(tls=host("localhost", tmp_path).serving()) as unknown:
        answer = await house.ask("POST", "/v1/endpoints", json={"url": f"{unknown.url}/hook"})
        made = answer.json()
        await house.lead()
        await house.deliver()
    (listed,) = await house.deliveries(made)
    (tried,) = (await house.tries(made, listed["id"]))["tries"]
    assert tried["error"] == "its certificate is not one to be trusted"
    assert unknown.heard == []


async def test_a_secret_that_cannot_be_opened_is_named_and_delays_nobody(house):
    """The keys were changed without the old ones: its deliveries fail, others arrive."""
    made = await house.endpoint("/locked")
    await house.endpoint("/open")
    foreign = Vault([new_secret_key()]).seal({"current": made["secret"]})
    statement = "UPDATE intake.endpoints SET secrets = :sealed WHERE id = :id"
    await house.run(statement, sealed=foreign, id=UUID(made["id"]))
    await house.lead()
    await house.deliver()
    assert [heard.path for heard in house.receiver.heard] == ["/open"]
    (listed,) = await house.deliveries(made)
    (tried,) = (await house.tries(made, listed["id"]))["tries"]
    assert "FOLLOWUP_SECRET_KEYS" in tried["error"]


async def test_no_answer_in_time_is_none(house):
    """A call ends after its time limit, and is tried again."""
    line = Line(loopback=True, seconds=0.2)
    house.receiver.silent.add("/hook")
    try:
        told = await line.post(f"{house.receiver.url}/hook", b"{}", {})
    finally:
        await line.close()
    assert told == Unanswered("no answer in 0.2 seconds")
