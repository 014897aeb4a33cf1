import asyncio
import time
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from followup_scheduler.core.library import library
from followup_suppression import epochs
from followup_testkit.waiting import until

NOBODY = UUID("0198f0c4-7a10-7b31-9d2e-1f5b6c7d8e90")
WAITING = """
SELECT 1 FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE a.datname = current_database() AND NOT l.granted
"""


@pytest.fixture
async def stranger(client_of, desk):
    """A client of another tenant."""
    async with await client_of(await desk.other_tenant()) as client:
        yield client


async def test_a_lead_is_enrolled_by_hand_once(client, desk):
    """201 with its first touches, then 200 with the same."""
    lead = await desk.lead()
    body = {"lead_id": str(lead.lead_id), "sequence": "d1"}
    first = await client.post("/v1/enrollments", json=body)
    assert first.status_code == 201
    assert [t["state"] for t in first.json()["touches"]] == ["commanded", "planned"]
    again = await client.post("/v1/enrollments", json=body)
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({"lead_id": "nonsense", "sequence": "d1"}, 422, "/lead_id"),
        ({"sequence": "d1"}, 422, "/lead_id"),
        ({"lead_id": str(NOBODY), "sequence": "d1"}, 404, "/lead_id"),
        ({"lead_id": str(NOBODY), "sequence": "d1", "more": 1}, 422, "/more"),
        ({"lead_id": str(NOBODY), "sequence": "No Good"}, 422, "/sequence"),
    ],
)
async def test_what_cannot_be_enrolled_is_refused_with_its_place(client, body, status, pointer):
    """A problem with a pointer, never a 500."""
    answer = await client.post("/v1/enrollments", json=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_an_unknown_sequence_is_refused(client, desk):
    """And nothing is half done."""
    lead = await desk.lead()
    body = {"lead_id": str(lead.lead_id), "sequence": "no-such"}
    answer = await client.post("/v1/enrollments", json=body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/sequence")
    assert await desk.rows("SELECT id FROM scheduler.enrollments") == []


async def test_halt_is_answered_behind_the_fence(client, desk):
    """Everything is cancelled, the fence's epoch raised, and 250 ms have passed."""
    _, run = await desk.enrolled()
    began = time.monotonic()
    answer = await client.post(f"/v1/enrollments/{run}/halt", json={"reason": "called_us"})
    assert time.monotonic() - began >= 0.25
    body = answer.json()
    assert (answer.status_code, body["state"], body["end_reason"]) == (200, "halted", "called_us")
    assert {t["state"] for t in body["touches"]} == {"cancelled"}
    async with desk.databases.worker.transaction() as tx:
        assert await epochs(tx, [run]) == {run: 1}
    again = await client.post(f"/v1/enrollments/{run}/halt")
    assert (again.status_code, again.json()["end_reason"]) == (200, "called_us")


async def test_pause_and_resume(client, desk):
    """Paused, nothing goes out; resumed, the step is planned again."""
    _, run = await desk.enrolled()
    paused = await client.post(f"/v1/enrollments/{run}/pause")
    assert paused.json()["state"] == "paused"
    resumed = await client.post(f"/v1/enrollments/{run}/resume")
    assert resumed.json()["state"] == "active"
    planned = [t for t in resumed.json()["touches"] if t["state"] == "planned"]
    assert {(t["channel"], t["occurrence"]) for t in planned} == {("sms", 1), ("email", 1)}


@pytest.mark.parametrize("order", ["pause", "resume"])
async def test_what_has_ended_is_neither_paused_nor_resumed(client, desk, order):
    """409, and it stays ended."""
    _, run = await desk.enrolled()
    await client.post(f"/v1/enrollments/{run}/halt")
    answer = await client.post(f"/v1/enrollments/{run}/{order}")
    assert answer.status_code == 409
    assert (await desk.run(run))["state"] == "halted"


async def test_no_route_shows_or_changes_another_tenants_things(client, stranger, desk, say):
    """404 for everything that is somebody else's, and nothing changed."""
    lead, run = await desk.enrolled()
    await desk.tell(desk.replies, say.reply(lead, at=desk.clock(), intent="question"))
    (task,) = await desk.rows("SELECT id FROM scheduler.tasks")
    before = await desk.run(run)
    body = {"lead_id": str(lead.lead_id), "sequence": "d1"}
    answers = [
        await stranger.post("/v1/enrollments", json=body),
        await stranger.get(f"/v1/enrollments/{run}"),
        await stranger.post(f"/v1/enrollments/{run}/halt"),
        await stranger.post(f"/v1/enrollments/{run}/pause"),
        await stranger.post(f"/v1/enrollments/{run}/resume"),
        await stranger.get(f"/v1/leads/{lead.lead_id}/timeline"),
        await stranger.post(f"/v1/tasks/{task['id']}/complete"),
    ]
    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert (await stranger.get("/v1/tasks")).json()["items"] == []
    assert (await stranger.get("/v1/agenda")).json()["items"] == []
    assert await desk.run(run) == before
    own = await client.put("/v1/sequences/ours", content=_named("ours"), headers=YAML)
    assert own.status_code == 200
    assert (await stranger.get("/v1/sequences/ours")).status_code == 404
    assert (await stranger.post("/v1/sequences/ours/publish")).status_code == 404
    assert (await stranger.post("/v1/sequences/ours/lint")).status_code == 404
    assert (await stranger.post("/v1/sequences/ours/simulate")).status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/sequences/d1"),
        ("PUT", "/v1/sequences/d1"),
        ("POST", "/v1/sequences/d1/publish"),
        ("POST", "/v1/sequences/d1/lint"),
        ("POST", "/v1/sequences/d1/simulate"),
        ("POST", "/v1/enrollments"),
        ("GET", f"/v1/enrollments/{NOBODY}"),
        ("POST", f"/v1/enrollments/{NOBODY}/halt"),
        ("GET", f"/v1/leads/{NOBODY}/timeline"),
        ("GET", "/v1/tasks"),
        ("POST", f"/v1/tasks/{NOBODY}/complete"),
        ("GET", "/v1/agenda"),
    ],
)
async def test_every_route_wants_a_key_and_its_scope(client_of, desk, client, method, path):
    """401 without a key, 403 with one that may not."""
    bare = {"Authorization": "Bearer fu_nobody-has-this-key"}
    assert (await client.request(method, path, headers=bare)).status_code == 401
    async with await client_of(desk.tenant.id, ("something:else",)) as weak:
        assert (await weak.request(method, path)).status_code == 403


async def test_the_timeline_is_of_one_moment(client, desk, say):
    """Asked for while the lead enters its sequence: all of that is in the answer, or nothing.

    The reader has the lead's journal and waits for its touches while both are written.
    """
    lead = await desk.lead()
    async with desk.databases.worker.transaction() as tx:
        await tx.run(text("LOCK TABLE scheduler.touches IN ACCESS EXCLUSIVE MODE"))
        asked = asyncio.create_task(client.get(f"/v1/leads/{lead.lead_id}/timeline"))
        await until(lambda: desk.rows(WAITING), what="the reader at the locked table")
        await desk.captured(tx, [desk.message(say.captured(lead))])
    assert (await asked).json()["items"] == []
    told = (await client.get(f"/v1/leads/{lead.lead_id}/timeline")).json()["items"]
    assert [item["what"] for item in told][:2] == ["enrolled in d1, version 1", "planned"]


async def test_the_timeline_tells_everything_with_reasons_and_local_times(client, desk, say):
    """Enrolled, planned and why, asked, deferred by which rule, sent, replied, ended."""
    lead, run = await desk.enrolled()
    touch = await desk.touch(run, "sms")
    until = desk.clock() + timedelta(minutes=5)
    await desk.tell(desk.outcomes, say.deferred(touch, at=desk.clock(), until=until))
    desk.clock.jump(until)
    await desk.timers.run_once()
    await desk.send(await desk.touch(run, "sms"))
    desk.clock.advance(timedelta(minutes=1))
    await desk.tell(desk.replies, say.reply(lead, at=desk.clock()))
    answer = (await client.get(f"/v1/leads/{lead.lead_id}/timeline")).json()
    assert answer["zones"] == ["America/New_York"]
    told = [item["what"] for item in answer["items"]]
    for what in ("enrolled", "planned", "asked for", "deferred", "sent", "reply received"):
        assert any(line.startswith(what) for line in told), (what, told)
    assert [item["at"] for item in answer["items"]] == sorted(i["at"] for i in answer["items"])
    deferral = next(item for item in answer["items"] if item["what"] == "deferred")
    assert deferral["why"]["rule"] == "R15:US-NY"
    planned = next(item for item in answer["items"] if item["what"] == "planned")
    assert planned["why"]["zones"] == ["America/New_York"]
    assert planned["local"]["America/New_York"].endswith("-05:00")
    ended = answer["items"][-1]
    assert "halted (interested)" in str(answer["items"])
    assert ended["at"] == answer["items"][-1]["at"]
    page = (await client.get(f"/v1/leads/{lead.lead_id}/timeline?limit=3")).json()
    assert len(page["items"]) == 3
    rest = await client.get(f"/v1/leads/{lead.lead_id}/timeline?cursor={page['next']}")
    assert page["items"] + rest.json()["items"] == answer["items"]


async def test_tasks_are_listed_page_by_page_and_completed(client, desk, say):
    """Completing tells everybody once; the list of open ones shrinks."""
    for _ in range(3):
        lead, _ = await desk.enrolled()
        await desk.tell(desk.replies, say.reply(lead, at=desk.clock(), intent="question"))
        desk.clock.advance(timedelta(minutes=1))
    first = (await client.get("/v1/tasks?limit=2")).json()
    second = (await client.get(f"/v1/tasks?limit=2&cursor={first['next']}")).json()
    assert (len(first["items"]), len(second["items"]), second["next"]) == (2, 1, None)
    task = first["items"][0]["id"]
    done = await client.post(f"/v1/tasks/{task}/complete", json={"outcome": "answered"})
    assert (done.json()["state"], done.json()["outcome"]) == ("done", "answered")
    again = await client.post(f"/v1/tasks/{task}/complete", json={"outcome": "other"})
    assert again.json()["outcome"] == "answered"
    assert len(await desk.events("task.completed")) == 1
    assert len((await client.get("/v1/tasks")).json()["items"]) == 2
    assert (await client.get("/v1/tasks?cursor=nonsense")).status_code == 422


YAML = {"content-type": "application/yaml"}


def _named(key):
    return library()["d1"].replace("key: d1\n", f"key: {key}\n")


async def test_a_sequence_is_written_published_and_used(client, desk, say):
    """Drafts are used by nobody; new enrollments take the newest published version."""
    text = _named("mine")
    draft = (await client.put("/v1/sequences/mine", content=text, headers=YAML)).json()
    assert (draft["version"], draft["state"]) == (1, "draft")
    same = (await client.put("/v1/sequences/mine", content=text, headers=YAML)).json()
    assert same["version"] == 1
    lead = await desk.lead()
    body = {"lead_id": str(lead.lead_id), "sequence": "mine"}
    assert (await client.post("/v1/enrollments", json=body)).status_code == 422
    published = await client.post("/v1/sequences/mine/publish")
    assert published.json()["state"] == "published"
    changed = text.replace("name: Fourteen", "name: Changed fourteen")
    second = (await client.put("/v1/sequences/mine", content=changed, headers=YAML)).json()
    assert (second["version"], second["state"]) == (2, "draft")
    assert (await client.post("/v1/enrollments", json=body)).json()["version"] == 1
    await client.post("/v1/sequences/mine/publish")
    other = await desk.lead()
    await desk.tell(desk.captured, say.captured(other, sequence="mine"))
    (row,) = await desk.rows(
        "SELECT version FROM scheduler.enrollments WHERE lead_id = :lead", lead=other.lead_id
    )
    assert row["version"] == 2


async def test_the_librarys_sequences_are_there_and_may_be_changed(client):
    """The first change of one is version 2; version 1 stays the library's."""
    shown = (await client.get("/v1/sequences/d1")).json()
    assert (shown["state"], shown["version"]) == ("library", None)
    changed = shown["source"].replace("name: Fourteen", "name: Our fourteen")
    written = await client.put("/v1/sequences/d1", content=changed, headers=YAML)
    assert (written.json()["version"], written.json()["state"]) == (2, "draft")
    first = (await client.get("/v1/sequences/d1?version=1")).json()
    assert (first["source"], first["state"]) == (shown["source"], "published")


async def test_a_json_document_is_as_good_as_yaml(client):
    """Characters beyond the basic plane included."""
    document = {
        "key": "tiny",
        "name": "Tiny \U0001f600",
        "steps": [
            {
                "id": "one",
                "at": {"after": "0m", "window": "at_once"},
                "touches": [{"channel": "sms", "template": "hello"}],
            }
        ],
        "templates": {"hello": {"text": "Hi, is it urgent? \U0001f600"}},
    }
    answer = await client.put("/v1/sequences/tiny", json=document)
    assert answer.status_code == 200, answer.text
    assert "\U0001f600" in answer.json()["source"]


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"key: [", "application/yaml", 422),
        (b"steps: 1", "application/yaml", 422),
        (b"\xff\xfe", "application/yaml", 400),
        (b"{", "application/json", 400),
        (b"", "application/yaml", 422),
        (b"key: x", "application/pdf", 415),
        (b"# " + b"x" * 400_000, "application/yaml", 413),
        (b"# " + b"x" * 300_000, "application/yaml", 422),
    ],
)
async def test_bad_documents_are_refused(client, content, kind, status):
    """With a problem that names the place, and nothing stored."""
    answer = await client.put("/v1/sequences/bad", content=content, headers={"content-type": kind})
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert (await client.get("/v1/sequences/bad")).status_code == 404


async def test_a_document_under_another_address_is_refused(client):
    """Its key is part of it."""
    answer = await client.put("/v1/sequences/other", content=_named("mine"), headers=YAML)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/key")


async def test_faults_are_named_with_their_lines(client):
    """Pointer and line of each, by PUT and by lint alike."""
    broken = _named("mine").replace("channel: voice", "channel: pigeon", 1)
    line = next(n for n, text in enumerate(broken.splitlines(), 1) if "pigeon" in text)
    refused = await client.put("/v1/sequences/mine", content=broken, headers=YAML)
    assert refused.status_code == 422
    (error,) = refused.json()["errors"]
    assert error["pointer"] == "/steps/1/touches/0/channel"
    assert f"line {line}" in error["detail"]
    linted = await client.post("/v1/sequences/mine/lint", content=broken, headers=YAML)
    assert linted.json()["valid"] is False
    assert linted.json()["findings"][0]["line"] == line
    assert (await client.post("/v1/sequences/d1/lint")).json() == {"valid": True, "findings": []}


async def test_a_simulation_plays_the_whole_sequence(client):
    """Seven touches in local time; the day-2 text follows the voicemail."""
    play = {
        "start": "2026-03-02T15:00:00Z",
        "lead": {"state": "NY", "phone": "+12125550100"},
        "calls": {"day-1": "voicemail_left"},
    }
    answer = await client.post("/v1/sequences/d1/simulate", json=play)
    assert answer.status_code == 200, answer.text
    touches = answer.json()["touches"]
    assert [t["step"] for t in touches] == [
        "day-0",
        "day-0",
        "day-1",
        "day-2",
        "day-4",
        "day-7",
        "day-14",
    ]
    assert touches[3]["template"] == "after-voicemail"
    assert answer.json()["state"] == "completed"
    for wrong, pointer in (
        ({"lead": {"stated_zone": "Mars/Base"}}, "/lead/stated_zone"),
        ({"lead": {"country": "usa"}}, "/lead/country"),
        ({"start": "tomorrow"}, "/start"),
        ({"document": {"key": "x"}}, "/document/name"),
    ):
        refused = await client.post("/v1/sequences/d1/simulate", json=wrong)
        assert refused.status_code == 422
        assert pointer in [error["pointer"] for error in refused.json()["errors"]]


async def test_a_document_with_too_much_to_play_is_refused(client):
    """Hundreds of steps that begin again every day: 422 with the reason, no failure of ours."""
    waits = [{"id": f"s{number}", "wait": {"at_most": "1m"}} for number in range(199)]
    text = {"id": "text", "touches": [{"channel": "sms", "template": "t"}]}
    document = {
        "key": "busy",
        "name": "Busy",
        "repeat": {"every": "1d"},
        "steps": [*waits, text],
        "templates": {"t": {"text": "Hi"}},
    }
    refused = await client.post("/v1/sequences/busy/simulate", json={"document": document})
    assert refused.status_code == 422, refused.text
    assert refused.json()["errors"][0]["pointer"] == "/document"


@pytest.mark.parametrize(
    "start", ["0001-01-01T00:00:00Z", "9999-12-31T23:00:00Z", "0001-01-01T00:00:00+14:00"]
)
async def test_moments_at_the_edge_of_the_calendar_are_refused(client, start):
    """Planning needs room on both sides: what leaves none is invalid input."""
    for body in ({"start": start}, {"replies": [{"at": start, "intent": "not_now"}]}):
        assert (await client.post("/v1/sequences/d1/simulate", json=body)).status_code == 422
    agenda = await client.get("/v1/agenda", params={"until": "0001-01-01T00:00:00+14:00"})
    assert (agenda.status_code, agenda.json()["errors"][0]["pointer"]) == (422, "?until")
