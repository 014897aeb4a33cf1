"""Publishing a version: who stands where, what changes, and what becomes of runs under way."""

import pytest

from followup_scheduler.moves import Moves

YAML = {"content-type": "application/yaml"}
HEAD = """key: mine
name: Mine
accept:
  R7-same-message: what these say does not matter
  R7-one-channel: what these say does not matter
  R6-two-rounds-a-day: what these say does not matter
steps:
"""
NAME = '{{ person.first_name | default: "there" }}'
STEPS = {
    "hello": "  - {id: hello, at: {after: 0m}, touches: [{channel: sms, template: t}]}\n",
    "mail": "  - {id: mail, at: {day: 2}, touches: [{channel: email, template: m}]}\n",
    "more": "  - {id: more, at: {day: 4}, touches: [{channel: email, template: m}]}\n",
    "bye": "  - {id: bye, at: {day: 9}, touches: [{channel: sms, template: t}]}\n",
}
TEXTS = {
    "t": f"  t: {{text: 'Hi {NAME}, is it urgent? Reply STOP to opt out.'}}\n",
    "m": f"  m: {{subject: Roof, text: 'Hi {NAME}, shall we come?'}}\n",
}


def document(*steps, urgent="urgent"):
    """A document of these steps, with the texts they use."""
    body = "".join(STEPS[step] for step in steps)
    texts = "".join(text for key, text in TEXTS.items() if f"template: {key}}}" in body)
    return HEAD + body + "templates:\n" + texts.replace("urgent", urgent)


@pytest.fixture
def write(client):
    """Stores a version of `mine` and publishes it as asked."""

    async def do(*steps, urgent="urgent", **asked):
        stored = await client.put(
            "/v1/sequences/mine", content=document(*steps, urgent=urgent), headers=YAML
        )
        assert stored.status_code == 200, stored.text
        answer = await client.post("/v1/sequences/mine/publish", json=asked)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return do


@pytest.fixture
def entered(client, desk):
    """Enters a new lead into `mine`; the id of its run."""

    async def do():
        lead = await desk.lead()
        body = {"lead_id": str(lead.lead_id), "sequence": "mine"}
        return (await client.post("/v1/enrollments", json=body)).json()["id"]

    return do


@pytest.fixture
def moves(desk):
    return Moves(desk.databases.worker, desk.runs)


async def test_publishing_tells_who_stands_where_and_what_changes(client, write, entered, desk):
    """As a preview nothing happens; a removed step's leads go on at the next one left."""
    assert (await write("hello", "mail", "bye"))["changes"] == []
    first, second = await entered(), await entered()
    await desk.send(await desk.touch(first, "sms", step="hello"))
    told = await write("hello", "more", "bye", plan="migrate", preview=True)
    assert told["state"] == "draft"
    assert [(s["step"], s["leads"], s["goes_to"]) for s in told["standing"]] == [
        ("hello", 1, "hello"),
        ("mail", 1, "bye"),
    ]
    assert told["moving"] == 2
    assert any(line.startswith('Step "more" is new, after "hello"') for line in told["changes"])
    said = {"steps": {"mail": "more"}, "plan": "migrate", "preview": True}
    told = (await client.post("/v1/sequences/mine/publish", json=said)).json()
    assert [s["goes_to"] for s in told["standing"]] == ["hello", "more"]
    for run in (first, second):
        assert (await desk.run(run))["version"] == 1
    diff = (await client.get("/v1/sequences/mine/diff?from=1&to=2")).json()
    assert diff["changes"] == told["changes"]
    wrong = await client.post("/v1/sequences/mine/publish", json={"steps": {"mail": "nowhere"}})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/steps/mail")
    assert (await client.get("/v1/sequences/mine/diff?from=1&to=7")).status_code == 404


async def test_runs_keep_their_version_unless_told_otherwise(write, entered, desk, moves):
    """Pinned: the next step is the one of the version they began with."""
    await write("hello", "mail", "bye")
    run = await entered()
    assert (await write("hello", "bye"))["plan"] == "pin"
    await moves.run_once()
    await desk.send(await desk.touch(run, "sms", step="hello"))
    assert (await desk.run(run))["version"] == 1
    assert (await desk.touches(run))[-1]["step"] == "mail"
    assert (await desk.run(await entered()))["version"] == 2


async def test_runs_go_over_and_are_never_sent_a_step_again(client, write, entered, desk, moves):
    """Migrated in the background, so many a second: what is gone from under them is cut, and
    what they had is not sent again (posthog#66380: say what a live edit does)."""
    await write("hello", "mail", "bye")
    runs = [await entered() for _ in range(3)]
    for run in runs:
        await desk.send(await desk.touch(run, "sms", step="hello"))
    assert (await write("hello", "bye", plan="migrate", per_second=2))["moving"] == 3
    assert (await moves.run_once()).worked == 2
    assert [(await desk.run(run))["version"] for run in runs] == [2, 2, 1]
    await moves.run_once()
    for run in runs:
        row = await desk.run(run)
        assert (row["version"], row["step"], row["state"]) == (2, "bye", "active")
        states = [(t["step"], t["state"]) for t in await desk.touches(run)]
        assert states == [("hello", "sent"), ("mail", "cancelled"), ("bye", "planned")]
    shown = (await client.get("/v1/sequences/mine/versions")).json()
    assert [(v["version"], v["plan"], v["leads"]) for v in shown["versions"]] == [
        (2, "migrate", 3),
        (1, "pin", 0),
    ]
    assert (shown["move"]["moved"], shown["move"]["per_second"]) == (3, 2)
    told = await desk.rows(
        "SELECT what FROM scheduler.journal WHERE what LIKE 'goes on in version%'"
    )
    assert len(told) == 3


async def test_runs_that_follow_go_on_to_every_version(write, entered, desk, moves):
    """Said once it counts for what is published later, until somebody pins."""
    await write("hello", "mail", plan="follow")
    run = await entered()
    assert (await write("hello", "more"))["plan"] == "follow"
    await moves.run_once()
    assert (await desk.run(run))["version"] == 2
    assert (await write("hello", "mail", "bye", plan="pin"))["plan"] == "pin"
    await moves.run_once()
    assert (await desk.run(run))["version"] == 2


async def test_a_run_that_cannot_go_over_stays_and_holds_up_nobody(write, entered, desk, moves):
    """It is left with its version; the others are moved."""
    await write("hello", "mail")
    broken, whole = await entered(), await entered()
    await desk.rows(
        'UPDATE scheduler.enrollments SET memory = \'{"shift_days": "nonsense"}\''
        " WHERE id = :id RETURNING id",
        id=broken,
    )
    await write("hello", "mail", urgent="still leaking", plan="migrate")
    await moves.run_once()
    assert (await desk.run(whole))["version"] == 2
    assert (await desk.run(broken))["version"] == 1
