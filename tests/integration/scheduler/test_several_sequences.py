"""Several sequences of one person, and one sequence several times."""

from datetime import timedelta

import pytest

HEADERS = {"content-type": "application/yaml"}
BODY = """
accept:
  R7-same-message: what these say does not matter
  R7-one-channel: what these say does not matter
steps:
  - id: only
    at: {day: 1}
    touches: [{channel: sms, template: t}]
  - id: last
    at: {day: 3}
    touches: [{channel: sms, template: t}]
templates:
  t: {text: 'Hi {{ person.first_name | default: "there" }}, is it urgent? Reply STOP to end.'}
"""


@pytest.fixture
def sequence(client):
    """Publishes a sequence of two texts with these fields on top."""

    async def do(key, **fields):
        head = f"key: {key}\nname: {key}\n" + "".join(f"{n}: {v}\n" for n, v in fields.items())
        stored = await client.put(f"/v1/sequences/{key}", content=head + BODY, headers=HEADERS)
        assert stored.status_code == 200, stored.text
        assert (await client.post(f"/v1/sequences/{key}/publish")).status_code == 200
        return key

    return do


@pytest.fixture
def enter(client):
    """Enrolls a lead by hand: the answer."""

    async def do(lead, key):
        body = {"lead_id": str(lead.lead_id), "sequence": key}
        return await client.post("/v1/enrollments", json=body)

    return do


async def day_of(desk, run):
    """The local day of what a run has planned."""
    (planned,) = [t for t in await desk.touches(run) if t["state"] == "planned"]
    return (planned["due_at"] - timedelta(hours=5)).date()


async def test_the_sequence_of_higher_priority_goes_first(desk, sequence, enter):
    """Both want the same day: one round a day for one person, across all sequences (R6). Who
    was planned first gives way, whichever entered first."""
    lead = await desk.lead()
    low = (await enter(lead, await sequence("low", priority=10))).json()["id"]
    wished = await day_of(desk, low)
    high = (await enter(lead, await sequence("high", priority=90))).json()["id"]
    assert await day_of(desk, high) == wished
    await desk.timers.run_once()
    assert await day_of(desk, low) > wished
    assert (await desk.run(low))["state"] == "active"
    equal = (await enter(lead, await sequence("equal", priority=90))).json()["id"]
    days = [await day_of(desk, high)]
    await desk.timers.run_once()
    days += [await day_of(desk, run) for run in (equal, low)]
    assert len(set(days)) == 3
    assert days[0] == wished


async def test_who_gives_way_stands_again_in_a_later_occurrence(client, desk, sequence, enter):
    """What was planned is told as cancelled and why, and its successor is of the same step."""
    lead = await desk.lead()
    low = (await enter(lead, await sequence("low", priority=10))).json()["id"]
    await enter(lead, await sequence("high", priority=90))
    await desk.timers.run_once()
    shown = (await client.get(f"/v1/enrollments/{low}")).json()["touches"]
    assert [(t["step"], t["occurrence"], t["state"], t["reason"]) for t in shown] == [
        ("only", 0, "cancelled", "another sequence goes first"),
        ("only", 1, "planned", None),
    ]


async def test_a_reply_holds_and_ends_all_sequences_of_a_person(desk, say, sequence, enter):
    """What it means by default it means for every one of them; a document may say otherwise."""
    lead = await desk.lead()
    runs = [(await enter(lead, await sequence(key))).json()["id"] for key in ("one", "two")]
    other = await sequence("three", on="{question: {do: go_on}}")
    runs.append((await enter(lead, other)).json()["id"])
    await desk.tell(desk.replies, say.reply(lead, at=desk.clock(), intent="question"))
    assert [(await desk.run(run))["state"] for run in runs] == ["held", "held", "active"]
    await desk.tell(desk.replies, say.reply(lead, at=desk.clock(), intent="not_interested"))
    assert {(await desk.run(run))["state"] for run in runs} == {"halted"}


@pytest.mark.parametrize(
    ("rule", "days", "status", "run"),
    [
        ("never", 400, 200, 1),
        ("always", 0, 201, 2),
        ("{after: 90d}", 89, 200, 1),
        ("{after: 90d}", 90, 201, 2),
    ],
)
async def test_a_lead_enters_again_as_the_document_says(
    client, desk, sequence, enter, rule, days, status, run
):
    """Never, always, or after a rest; while a run goes on there is no second."""
    lead = await desk.lead()
    key = await sequence("again", reenroll=rule)
    first = (await enter(lead, key)).json()
    assert (await enter(lead, key)).status_code == 200
    await client.post(f"/v1/enrollments/{first['id']}/halt")
    desk.clock.advance(timedelta(days=days))
    answer = await enter(lead, key)
    assert (answer.status_code, answer.json()["run"]) == (status, run)
    assert (answer.json()["id"] == first["id"]) == (run == 1)


async def test_a_pause_moves_the_rest_of_the_calendar(client, desk, sequence, enter):
    """Resumed ten days on, what was to come on day 1 comes ten days later."""
    lead = await desk.lead()
    run = (await enter(lead, await sequence("paused"))).json()["id"]
    wished = await day_of(desk, run)
    await client.post(f"/v1/enrollments/{run}/pause")
    desk.clock.advance(timedelta(days=10))
    await client.post(f"/v1/enrollments/{run}/resume")
    assert await day_of(desk, run) == wished + timedelta(days=10)
