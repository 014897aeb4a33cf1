"""Lead forms and ad platforms at their doors, with bodies as their vendors document them."""

import hmac
import json
from base64 import b64encode
from urllib.parse import urlencode

import httpx
import pytest
from sqlalchemy import text

from followup_contracts.events import LeadCaptured
from followup_directory import Vault
from followup_directory.vault import new_secret_key
from followup_intake.capture import Capture
from followup_intake.fetches import Fetches, GraphApi
from followup_intake.routes.doors import EACH_MINUTE
from followup_intake.submitted import Submission
from followup_messaging.outbox import Outbox
from followup_suppression import StopFence

META = {
    "app_secret": "shhh-app-secret",
    "verify_token": "verify-me-please",
    "page_token": "EAAGpage",
}
WEBHOOK = {
    "object": "page",
    "entry": [
        {
            "id": "153125381133",
            "time": 1438292065,
            "changes": [
                {
                    "field": "leadgen",
                    "value": {
                        "leadgen_id": "123123123123",
                        "page_id": "123123123",
                        "form_id": "12312312312",
                        "adgroup_id": "12312312312",
                        "ad_id": "12312312312",
                        "created_time": 1440120384,
                    },
                },
                {"field": "feed", "value": {"item": "status"}},
            ],
        }
    ],
}
GRAPH = {
    "created_time": "2026-03-04T08:49:14+0000",
    "id": "123123123123",
    "ad_id": "77",
    "form_id": "12312312312",
    "platform": "ig",
    "field_data": [
        {"name": "full_name", "values": ["Joe Example"]},
        {"name": "email", "values": ["joe@example.com"]},
        {"name": "phone_number", "values": ["+12125550123"]},
        {"name": "what_service_do_you_need?", "values": ["kitchen_remodel"]},
        {"name": "car_make", "values": ["Honda"]},
    ],
}
GOOGLE = {
    "lead_id": "TeSter-123-ABCDEFGHIJKLMNOPQRSTUVWXYZ-abcdefghijklmnopqrstuvwxyz-0123456789",
    "user_column_data": [
        {
            "column_name": "Full Name",
            "string_value": "FirstName LastName",
            "column_id": "FULL_NAME",
        },
        {"column_name": "User Email", "string_value": "test@example.com", "column_id": "EMAIL"},
        {"column_name": "User Phone", "string_value": "+16505550123", "column_id": "PHONE_NUMBER"},
        {"column_name": "Postal Code", "string_value": "94043", "column_id": "POSTAL_CODE"},
        {"string_value": "Next month", "column_id": "when_do_you_need_it?"},
    ],
    "api_version": "1.0",
    "form_id": 40000000000,
    "campaign_id": 123456,
    "google_key": "a-key-of-google",
    "is_test": False,
    "gcl_id": "TeSter-123",
}
TYPEFORM = {
    "event_id": "LtWXD3crgy",
    "event_type": "form_response",
    "form_response": {
        "form_id": "lT4Z3j",
        "token": "a3a12ec67a1365927098a606107fac15",
        "submitted_at": "2026-01-18T18:17:02Z",
        "hidden": {"utm_campaign": "spring"},
        "definition": {
            "id": "lT4Z3j",
            "fields": [
                {"id": "JwWggjAKtOkA", "title": "What is your first name?", "type": "short_text"},
                {"id": "SMEUb7VJz92Q", "title": "Where can we write to?", "type": "email"},
                {"id": "gFFf3xAkJKsr", "title": "May we call you?", "type": "yes_no"},
                {"id": "k6TP9oLGgHjl", "title": "Which rooms?", "type": "multiple_choice"},
            ],
        },
        "answers": [
            {
                "type": "text",
                "text": "Laura",
                "field": {"id": "JwWggjAKtOkA", "type": "short_text"},
            },
            {"type": "email", "email": "laura@example.com", "field": {"id": "SMEUb7VJz92Q"}},
            {"type": "boolean", "boolean": True, "field": {"id": "gFFf3xAkJKsr"}},
            {
                "type": "choices",
                "choices": {"labels": ["Bath", "Hall"]},
                "field": {"id": "k6TP9oLGgHjl"},
            },
        ],
    },
}
FORM = {
    "name": "Ada Lovelace",
    "email": "ada@example.com",
    "consent": "on",
    "page": "https://roofs.example.com/quote",
}


async def _source(intake, kind: str, secrets=None, **config) -> tuple[str, str]:
    body = {"kind": kind, "name": kind, "config": config, "secrets": secrets or {}}
    answer = await intake.post("/v1/sources", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"], answer.json()["url"].removeprefix("http://intake")


async def _captured(intake) -> list[LeadCaptured]:
    return [event for event in await intake.events() if isinstance(event, LeadCaptured)]


def _signed(secret: str, body: bytes) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, "sha256").hexdigest()


async def test_meta_is_shaken_hands_with(intake):
    """Its challenge comes back for the token that was agreed on, for no other."""
    _, url = await _source(intake, "meta", META)
    asked = {"hub.mode": "subscribe", "hub.challenge": "1158201444"}
    good = await intake.client.get(url, params={**asked, "hub.verify_token": "verify-me-please"})
    assert (good.status_code, good.text) == (200, "1158201444")
    bad = await intake.client.get(url, params={**asked, "hub.verify_token": "verify-me-Please"})
    assert bad.status_code == 403


async def test_meta_must_prove_itself(intake):
    """A forged or missing signature is 403, an address nobody knows 404; nothing is kept."""
    _, url = await _source(intake, "meta", META)
    body = json.dumps(WEBHOOK).encode()
    for signature in ("", _signed("another", body), _signed(META["app_secret"], body + b" ")):
        answer = await intake.client.post(
            url, content=body, headers={"X-Hub-Signature-256": signature}
        )
        assert answer.status_code == 403
    assert (await intake.client.post(url[:-3] + "abc", content=body)).status_code == 404
    assert await intake.rows("SELECT 1 FROM intake.fetches") == []


class Graph:
    """Meta's side: fails a few times, then answers."""

    def __init__(self, *failures: httpx.Response) -> None:
        self.failures = list(failures)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self.failures.pop(0) if self.failures else httpx.Response(200, json=GRAPH)


def _fetches(intake, graph: Graph) -> tuple[Fetches, Vault]:
    transport = httpx.MockTransport(graph)
    api = GraphApi("https://graph.test/v21.0", lambda: httpx.AsyncClient(transport=transport))
    outbox = Outbox("intake", intake.bus, intake.databases.worker)
    submission = Submission(intake.databases.api, Capture(outbox), StopFence())
    vault = Vault([new_secret_key()])
    return Fetches(intake.databases.worker, api, vault=vault, submission=submission), vault


async def _told_of(intake, vault: Vault, *, times: int = 1) -> str:
    """A Meta source whose webhook came so often; its id."""
    source, url = await _source(intake, "meta", META)
    body = json.dumps(WEBHOOK).encode()
    headers = {"X-Hub-Signature-256": _signed(META["app_secret"], body)}
    answers = [await intake.client.post(url, content=body, headers=headers) for _ in range(times)]
    assert [a.json() for a in answers] == [{"queued": 1}, *[{"queued": 0}] * (times - 1)]
    # The service sealed its secrets under keys of its own.
    async with intake.databases.worker.transaction() as tx:
        await tx.run(text("UPDATE intake.sources SET secrets = :s"), s=vault.seal(META))
    return source


async def test_metas_leads_are_fetched_once_however_often_it_tells(intake):
    """By the token of the page, never in an address; platform, answers and ad come along."""
    graph = Graph()
    fetches, vault = _fetches(intake, graph)
    source = await _told_of(intake, vault, times=3)
    assert (await fetches.run_once()).worked == 1
    assert (await fetches.run_once()).worked == 0

    (request,) = graph.asked
    assert request.headers["Authorization"] == "Bearer EAAGpage"
    assert "EAAGpage" not in str(request.url)
    (lead,) = await intake.leads()
    assert (lead["source"], lead["external_id"]) == ("instagram_lead_ad", "meta:123123123123")
    assert (lead["need"], lead["attributes"]["car_make"]) == ("kitchen remodel", "Honda")
    (event,) = await _captured(intake)
    assert event.lane == "now"
    (fetch,) = (await intake.get(f"/v1/sources/{source}")).json()["fetches"]
    assert (fetch["state"], fetch["lead_id"]) == ("done", str(lead["id"]))


async def test_a_fetch_that_fails_is_tried_again_later(intake):
    """With a growing pause, its error shown; after three days it is given up, until asked."""
    error = {"error": {"message": "token of joe@example.com expired", "code": 190}}
    graph = Graph(*[httpx.Response(400, json=error)] * 3)
    fetches, vault = _fetches(intake, graph)
    source = await _told_of(intake, vault)
    due = text("UPDATE intake.fetches SET due_at = clock_timestamp()")
    old = text(
        "UPDATE intake.fetches SET due_at = clock_timestamp(),"
        " asked_at = asked_at - interval '73 hours'"
    )
    for statement in (due, due, old):
        async with intake.databases.worker.transaction() as tx:
            await tx.run(statement)
        assert (await fetches.run_once()).worked == 1
    (fetch,) = (await intake.get(f"/v1/sources/{source}")).json()["fetches"]
    assert (fetch["state"], fetch["attempts"], fetch["error"]) == ("failed", 3, "400, code 190")
    again = await intake.post(f"/v1/sources/{source}/fetches/{fetch['id']}/retry")
    assert again.status_code == 200
    await fetches.run_once()
    assert len(await intake.leads()) == 1


async def test_a_source_with_a_broken_token_keeps_nobody_waiting(intake):
    """What goes wrong with one fetch is kept with it; the ones behind it are fetched."""
    fetches, vault = _fetches(intake, Graph())
    first, second = await _told_of(intake, vault), await _told_of(intake, vault)
    broken = vault.seal({**META, "page_token": "EAAG\N{SNOWMAN}page"})
    async with intake.databases.worker.transaction() as tx:
        await tx.run(
            text("UPDATE intake.sources SET secrets = :s WHERE id = CAST(:id AS uuid)"),
            s=broken,
            id=first,
        )
    assert (await fetches.run_once()).worked == 2
    found = [(await intake.get(f"/v1/sources/{one}")).json()["fetches"] for one in (first, second)]
    assert [(fetch["state"], fetch["error"]) for (fetch,) in found] == [
        ("open", "UnicodeEncodeError"),
        ("done", None),
    ]


async def test_googles_leads_are_taken_with_their_key(intake):
    """Once by their id; its own tests are answered and not kept; a wrong key is 403."""
    _, url = await _source(
        intake, "google", {"google_key": "a-key-of-google"}, lead_source="google_lsa"
    )
    wrong = await intake.client.post(url, json={**GOOGLE, "google_key": "another"})
    test = await intake.client.post(url, json={**GOOGLE, "is_test": True})
    assert (wrong.status_code, test.status_code) == (403, 200)
    assert await intake.leads() == []
    for _ in range(2):
        assert (await intake.client.post(url, json=GOOGLE)).json()["accepted"] is True
    (lead,) = await intake.leads()
    assert (lead["source"], lead["attributes"]["gcl_id"]) == ("google_lsa", "TeSter-123")
    whole = (await intake.get(f"/v1/leads/{lead['id']}")).json()["person"]
    assert (whole["last_name"], whole["postal_code"]) == ("LastName", "94043")


async def test_a_source_whose_secret_does_not_open_has_its_vendor_come_again(intake):
    """503, since it is ours to mend: nothing is taken without proof, and nothing lost."""
    _, url = await _source(intake, "google", {"google_key": "a-key-of-google"})
    foreign = Vault([new_secret_key()]).seal({"google_key": "a-key-of-google"})
    async with intake.databases.worker.transaction() as tx:
        await tx.run(text("UPDATE intake.sources SET secrets = :s"), s=foreign)
    answer = await intake.client.post(url, json=GOOGLE)
    assert (answer.status_code, "FOLLOWUP_SECRET_KEYS" in answer.json()["detail"]) == (503, True)
    assert await intake.leads() == []


async def test_typeforms_answers_are_read_by_their_questions(intake):
    """Signed with base64; titles, types and a mapping say what an answer is."""
    _, url = await _source(
        intake, "typeform", {"secret": "typeform-secret"}, mapping={"Which rooms?": "need"}
    )
    body = json.dumps(TYPEFORM).encode()
    mac = b64encode(hmac.digest(b"typeform-secret", body, "sha256")).decode()
    bad = await intake.client.post(url, content=body, headers={"Typeform-Signature": "sha256=x"})
    assert bad.status_code == 403
    headers = {"Typeform-Signature": f"sha256={mac}", "Content-Type": "application/json"}
    assert (await intake.client.post(url, content=body, headers=headers)).status_code == 200
    (lead,) = await intake.leads()
    assert (lead["need"], lead["attributes"]["utm_campaign"]) == ("Bath, Hall", "spring")
    person = (await intake.get(f"/v1/leads/{lead['id']}")).json()["person"]
    assert [e["address"] for e in person["emails"]] == ["laura@example.com"]
    assert person["consent"]["voice"] == "yes"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (urlencode(FORM).encode(), "application/x-www-form-urlencoded"),
        (json.dumps(FORM).encode(), "application/json"),
        (
            b"".join(
                f'--XX\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n'.encode()
                for n, v in FORM.items()
            )
            + b"--XX--\r\n",
            "multipart/form-data; boundary=XX",
        ),
    ],
    ids=["urlencoded", "JSON", "multipart"],
)
async def test_a_form_is_taken_as_browsers_send_it(intake, content, kind):
    """With the proof of its consent: wording, page, agent, method."""
    wording = "Call or text me back"
    _, url = await _source(intake, "form", consent_wording=wording, sequence="quotes")
    headers = {"Content-Type": kind, "User-Agent": "Mozilla/5.0"}
    answer = await intake.client.post(url, content=content, headers=headers)
    assert (answer.status_code, answer.json()) == (201, {"accepted": True})
    (event,) = await _captured(intake)
    assert event.sequence == "quotes"
    (record,) = await intake.rows("SELECT * FROM people.consents")
    assert (record["state"], record["wording"], record["method"]) == ("yes", wording, "form")
    assert (record["page"], record["user_agent"]) == (FORM["page"], "Mozilla/5.0")


async def test_what_fills_in_the_field_nobody_sees_is_not_kept(intake):
    """A robot gets the answer it expects."""
    _, url = await _source(intake, "form", thanks_url="https://roofs.example.com/thanks")
    robot = {**FORM, "website_url": "http://spam.example.com"}
    answer = await intake.client.post(url, data=robot)
    assert answer.status_code == 201
    assert await intake.leads() == []
    person = await intake.client.post(url, data=FORM, headers={"Accept": "text/html"})
    assert (person.status_code, person.headers["Location"]) == (
        303,
        "https://roofs.example.com/thanks",
    )
    assert len(await intake.leads()) == 1


async def test_only_the_pages_a_source_names_may_post_from_a_browser(intake):
    """CORS: its preflight and its answer name the origin; another's are refused."""
    _, url = await _source(intake, "form", origins=["https://roofs.example.com"])
    good, bad = {"Origin": "https://roofs.example.com"}, {"Origin": "https://evil.example.com"}
    preflight = await intake.client.options(url, headers=good)
    assert (preflight.status_code, preflight.headers["Access-Control-Allow-Origin"]) == (
        204,
        good["Origin"],
    )
    answer = await intake.client.post(url, json=FORM, headers=good)
    assert answer.headers["Access-Control-Allow-Origin"] == good["Origin"]
    for method in ("OPTIONS", "POST"):
        refused = await intake.client.request(method, url, json=FORM, headers=bad)
        assert refused.status_code == 403
        assert "Access-Control-Allow-Origin" not in refused.headers


async def test_a_form_that_is_posted_too_often_is_stopped(intake):
    """From one address, whatever it says."""
    _, url = await _source(intake, "form")
    answers = [await intake.client.post(url, json={}) for _ in range(2 * EACH_MINUTE + 1)]
    codes = {answer.status_code for answer in answers}
    assert codes == {422, 429}


@pytest.mark.parametrize("body", [b"[]", b"{}", b"null", b"nonsense", b'{"entry": 7}', b"\xff"])
@pytest.mark.parametrize("kind", ["google", "typeform", "meta", "form"])
async def test_nonsense_at_a_door_is_the_callers_fault(intake, kind, body):
    """4xx or nothing taken, never 500."""
    secrets = {
        "google": {"google_key": "a-key-of-google"},
        "typeform": {"secret": "typeform-secret"},
        "meta": META,
    }
    _, url = await _source(intake, kind, secrets.get(kind))
    headers = {
        "X-Hub-Signature-256": _signed(META["app_secret"], body),
        "Typeform-Signature": "sha256="
        + b64encode(hmac.digest(b"typeform-secret", body, "sha256")).decode(),
    }
    answer = await intake.client.post(url, content=body, headers=headers)
    assert answer.status_code < 500
    assert await intake.leads() == []


async def test_a_source_is_stopped_moved_and_deleted(intake, pointers):
    """A stopped one and an old address are not known any more; secrets are never told."""
    source, url = await _source(intake, "form")
    headers = {"Authorization": f"Bearer {intake.token}"}
    moved = await intake.client.patch(
        f"/v1/sources/{source}?new_address=true", json={"name": "new"}, headers=headers
    )
    assert (await intake.client.post(url, json=FORM)).status_code == 404
    url = moved.json()["url"].removeprefix("http://intake")
    assert (await intake.client.post(url, json=FORM)).status_code == 201
    await intake.client.patch(f"/v1/sources/{source}", json={"state": "stopped"}, headers=headers)
    assert (await intake.client.post(url, json=FORM)).status_code == 404
    bad = await intake.client.patch(
        f"/v1/sources/{source}", json={"config": {"mapping": {"Q": "nombre"}}}, headers=headers
    )
    assert pointers(bad) == ["/config/mapping/Q"]
    missing = await intake.post("/v1/sources", json={"kind": "google", "name": "g"})
    assert pointers(missing) == ["/secrets"]
    assert "secrets" not in (await intake.get("/v1/sources")).text
    gone = await intake.client.delete(f"/v1/sources/{source}", headers=headers)
    assert gone.status_code == 204
    assert (await intake.get(f"/v1/sources/{source}")).status_code == 404
