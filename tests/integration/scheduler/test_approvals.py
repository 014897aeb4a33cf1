"""Touches that wait for a person's word, in whose words, and what becomes of the others."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import httpx
import orjson
import pytest
from aiohttp import web

from followup_directory import templates
from followup_scheduler.drafters.openai import ModelDrafter
from followup_scheduler.drafters.port import TemplateDrafter
from followup_scheduler.drafting import ATTEMPTS, Drafting
from followup_scheduler.lapses import Lapses
from followup_scheduler.store import enrollments

PLAIN = 'Hi {{ person.first_name | default: "you" }}, shall we come?'
YAML = {"content-type": "application/yaml"}
DOCUMENT = """
key: asks
name: Asks first
accept:
  R16-slow-start: what these say does not matter
steps:
  - id: offer
    at: {after: 0m, window: at_once}
    touches:
      - {channel: email, template: offer, %s}
  - id: later
    at: {day: 3}
    touches: [{channel: sms, template: later}]
templates:
  offer: {subject: Your roof, text: 'Hi {{ person.first_name | default: "you" }}, shall we come?'}
  later: {text: 'Hi {{ person.first_name | default: "you" }}, is it urgent? Reply STOP to end.'}
"""


@pytest.fixture
def entered(client, desk):
    """A lead in a sequence whose first touch asks as told: its run and the touch."""

    async def do(asks):
        stored = await client.put("/v1/sequences/asks", content=DOCUMENT % asks, headers=YAML)
        assert stored.status_code == 200, stored.text
        published = await client.post("/v1/sequences/asks/publish")
        assert published.status_code == 200, published.text
        lead = await desk.lead(need="roof")
        body = {"lead_id": str(lead.lead_id), "sequence": "asks"}
        run = (await client.post("/v1/enrollments", json=body)).json()["id"]
        return run, await desk.touch(run, "email", step="offer")

    return do


async def says(desk, touch):
    """What a touch will say."""
    key = (desk.tenant.id, touch["template"])
    async with desk.databases.worker.transaction() as tx:
        return (await templates(tx, [key]))[key].body


@pytest.mark.mission("H4", via="running")
async def test_a_touch_waits_for_a_persons_word_and_goes_in_theirs(client, desk, entered):
    """It is not asked for before; approved, it goes with the new text, once."""
    run, touch = await entered("approval: required")
    await desk.timers.run_once()
    assert (await desk.touch(run, "email", step="offer"))["state"] == "planned"
    (waiting,) = (await client.get("/v1/approvals")).json()["items"]
    assert (waiting["touch_id"], waiting["name"], waiting["need"]) == (
        str(touch["id"]),
        "Ada",
        "roof",
    )
    assert waiting["body"]["text"] == PLAIN
    path = f"/v1/approvals/{touch['id']}"
    yes = {"text": "I saw your roof today. Shall we come?", "by": "kim"}
    done = await client.post(f"{path}/approve", json=yes)
    assert (done.status_code, done.json()["state"]) == (200, "approved"), done.text
    await desk.timers.run_once()
    sent = await desk.touch(run, "email", step="offer")
    assert sent["state"] == "commanded"
    said = await says(desk, sent)
    assert (said["text"], said["subject"]) == (yes["text"], "Your roof")
    assert (await client.post(f"{path}/approve")).status_code == 409
    assert (await client.post(f"{path}/reject")).status_code == 409
    assert (await client.get("/v1/approvals")).json()["items"] == []
    assert "approved" in [entry["what"] for entry in sent["trace"]]


async def test_what_is_rejected_does_not_go_and_the_sequence_goes_on(client, desk, entered):
    """Skipped with the reason, and the next step is planned."""
    run, touch = await entered("approval: required")
    no = {"reason": "Not for this one.", "by": "kim"}
    await client.post(f"/v1/approvals/{touch['id']}/reject", json=no)
    offer, later = await desk.touches(run)
    assert (offer["state"], offer["reason"]) == ("skipped", "not approved")
    assert (later["step"], later["state"]) == ("later", "planned")


@pytest.mark.parametrize(("otherwise", "state"), [("skip", "skipped"), ("send", "commanded")])
async def test_an_approval_nobody_gives_does_not_hold_a_touch_for_ever(
    desk, entered, otherwise, state
):
    """After the time the document names it is skipped, or goes as its template says."""
    run, touch = await entered(f"approval: {{within: 4h, otherwise: {otherwise}}}")
    lapses = Lapses(desk.databases.worker, desk.runs)
    desk.clock.advance(timedelta(hours=3, minutes=59))
    await lapses.run_once()
    await desk.timers.run_once()
    assert (await desk.touch(run, "email", step="offer"))["state"] == "planned"
    desk.clock.advance(timedelta(minutes=1))
    await lapses.run_once()
    await desk.timers.run_once()
    now = await desk.touch(run, "email", step="offer")
    assert (now["state"], now["template"]) == (state, touch["template"])


async def test_what_somebody_works_on_lapses_a_moment_later(desk, entered):
    """Whoever has timers in hand waits for no run: the two would wait for each other."""
    run, _ = await entered("approval: {within: 4h, otherwise: skip}")
    lapses = Lapses(desk.databases.worker, desk.runs)
    desk.clock.advance(timedelta(hours=5))
    async with desk.databases.worker.transaction() as tx:
        await enrollments.lock(tx, [UUID(run)])
        async with asyncio.timeout(60):
            await lapses.run_once()
    assert (await desk.touch(run, "email", step="offer"))["state"] == "planned"
    await lapses.run_once()
    assert (await desk.touch(run, "email", step="offer"))["state"] == "skipped"


async def test_what_is_cut_waits_for_nobody(client, desk, entered):
    """A reply ends it: it leaves the list, and a yes that comes too late sends nothing."""
    run, touch = await entered("approval: required")
    await client.post(f"/v1/enrollments/{run}/halt")
    assert (await client.get("/v1/approvals")).json()["items"] == []
    late = await client.post(f"/v1/approvals/{touch['id']}/approve")
    assert late.status_code == 409
    assert await desk.timer(touch["id"]) is None


async def test_words_that_cannot_go_out_are_refused(client, desk, client_of, entered):
    """422 with the part; nobody else's approval is to be seen or given."""
    _, touch = await entered("approval: required")
    path = f"/v1/approvals/{touch['id']}"
    wrong = await client.post(f"{path}/approve", json={"voicemail": "Hello."})
    assert wrong.status_code == 422
    assert (await client.post(f"{path}/approve", json={"text": " "})).status_code == 422
    async with await client_of(await desk.other_tenant()) as stranger:
        assert (await stranger.get(path)).status_code == 404
        assert (await stranger.post(f"{path}/approve")).status_code == 404
    assert (await client.get(path)).json()["state"] == "pending"


class Model:
    """A server that speaks chat completions, and does what a test says."""

    def __init__(self) -> None:
        self.asked: list[dict] = []
        self.answers: list = []
        self.url = ""

    async def complete(self, request: web.Request) -> web.Response:
        self.asked.append(await request.json())
        self.key = request.headers.get("authorization")
        answer = self.answers.pop(0)
        if isinstance(answer, int):
            return web.Response(status=answer)
        if answer is None:
            await asyncio.Event().wait()  # never answers
        words = answer if isinstance(answer, str) else orjson.dumps(answer).decode()
        return web.json_response({"choices": [{"message": {"content": words}}]})


@pytest.fixture
async def model() -> AsyncIterator[Model]:
    stub = Model()
    app = web.Application()
    app.router.add_post("/v1/chat/completions", stub.complete)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    stub.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/v1/"
    yield stub
    await runner.cleanup()


@pytest.fixture
def patience() -> float:
    """How many seconds a model may take."""
    return 30.0


@pytest.fixture
async def drafting(desk, model, patience) -> AsyncIterator[Drafting]:
    headers = {"authorization": "Bearer key"}
    async with httpx.AsyncClient(base_url=model.url, headers=headers, timeout=patience) as client:
        yield Drafting(desk.databases.worker, ModelDrafter(client, model="small"))


async def again(desk):
    """A minute of machine time later, as far as drafts are concerned."""
    await desk.rows("UPDATE scheduler.reviews SET try_at = clock_timestamp() RETURNING touch_id")


async def test_a_model_writes_what_a_person_approves(client, desk, entered, model, drafting):
    """It is told the template, the first name and the need, no address; the person sees its
    draft, and that goes out."""
    run, touch = await entered("approval: required, draft: model")
    (waiting,) = (await client.get("/v1/approvals")).json()["items"]
    assert waiting["drafting"] == "wanted"
    model.answers = ['```json\n{"subject": "Your roof", "text": "Ada, shall we look at it?"}\n```']
    await drafting.run_once()
    told = str(model.asked[0])
    assert "Ada" in told
    assert "roof" in told
    assert "example.com" not in told
    assert "+1212" not in told
    assert (model.asked[0]["model"], model.key) == ("small", "Bearer key")
    (waiting,) = (await client.get("/v1/approvals")).json()["items"]
    assert (waiting["drafting"], waiting["body"]["text"]) == (
        "written",
        "Ada, shall we look at it?",
    )
    await client.post(f"/v1/approvals/{touch['id']}/approve")
    await desk.timers.run_once()
    sent = await desk.touch(run, "email", step="offer")
    assert (await says(desk, sent))["text"] == "Ada, shall we look at it?"


async def test_where_a_draft_is_gone_its_template_stands_for_it(
    client, desk, entered, model, drafting
):
    """The list of what waits shows it, and so it goes."""
    run, touch = await entered("approval: required, draft: model")
    model.answers = ['{"subject": "Your roof", "text": "Ada, shall we look at it?"}']
    await drafting.run_once()
    await desk.rows("DELETE FROM directory.templates WHERE person_id IS NOT NULL RETURNING hash")
    (waiting,) = (await client.get("/v1/approvals")).json()["items"]
    assert waiting["body"]["text"] == PLAIN
    approved = await client.post(f"/v1/approvals/{touch['id']}/approve")
    assert approved.status_code == 200, approved.text
    await desk.timers.run_once()
    assert (await says(desk, await desk.touch(run, "email", step="offer")))["text"] == PLAIN


@pytest.mark.parametrize(
    ("answer", "patience"),
    [
        *((answer, 30.0) for answer in (500, 429, "no JSON", {"text": "no subject"})),
        ({"subject": "x", "text": "{{ all }}"}, 30.0),
        (None, 0.5),
    ],
)
async def test_a_model_that_fails_delays_and_drops_nothing(
    client, desk, entered, model, drafting, answer
):
    """It is asked some times; the person has the template before them all the while, and that
    goes when they approve."""
    run, touch = await entered("approval: required, draft: model")
    model.answers = [answer] * ATTEMPTS
    for _ in range(ATTEMPTS):
        (waiting,) = (await client.get("/v1/approvals")).json()["items"]
        assert (waiting["drafting"], waiting["body"]["subject"]) == (
            "wanted",
            "Your roof",
        )
        await drafting.run_once()
        await again(desk)
    await drafting.run_once()
    assert len(model.asked) == ATTEMPTS
    (waiting,) = (await client.get("/v1/approvals")).json()["items"]
    assert waiting["drafting"] == "failed"
    await client.post(f"/v1/approvals/{touch['id']}/approve")
    await desk.timers.run_once()
    sent = await desk.touch(run, "email", step="offer")
    assert (sent["state"], await says(desk, sent)) == ("commanded", await says(desk, touch))
    (failed,) = [entry for entry in sent["trace"] if entry["what"] == "not drafted"]
    assert failed["reason"]


async def test_without_an_approval_a_draft_never_holds_a_touch_up(desk, entered, model, drafting):
    """What is due at once goes with its template; a draft that comes late changes nothing."""
    run, touch = await entered("draft: model")
    assert touch["state"] == "commanded"
    model.answers = [{"subject": "Your roof", "text": "Ada, shall we look at it?"}]
    await drafting.run_once()
    assert (await desk.touch(run, "email", step="offer"))["template"] == touch["template"]


async def test_where_nothing_is_known_no_model_is_asked_and_others_get_their_drafts(
    desk, entered, model, drafting
):
    """What can have no draft says so once, instead of being tried for ever."""
    await entered("approval: required, draft: model")
    gone = await desk.rows("UPDATE scheduler.reviews SET plain = 'gone' RETURNING touch_id")
    assert len(gone) == 1
    await drafting.run_once()
    (review,) = await desk.rows("SELECT drafting FROM scheduler.reviews")
    assert (review["drafting"], model.asked) == ("failed", [])


async def test_without_a_model_the_template_is_the_draft(client, desk, entered):
    """Said once, with the reason."""
    await entered("approval: required, draft: model")
    await Drafting(desk.databases.worker, TemplateDrafter()).run_once()
    (waiting,) = (await client.get("/v1/approvals")).json()["items"]
    assert waiting["drafting"] == "failed"
    (touch,) = await desk.rows("SELECT trace FROM scheduler.touches")
    assert touch["trace"][-1]["reason"] == "no model is configured"
