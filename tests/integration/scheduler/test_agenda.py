"""The agenda: who needs follow-up, on whose clock, and what is known of them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import text

from followup_directory import set_tenant_settings
from followup_people import set_deal
from followup_scheduler.store import agenda


async def own(client, lead, due_at, **more):
    """A task of somebody's own."""
    body = {"lead_id": str(lead.lead_id), "title": "Call", "due_at": due_at.isoformat(), **more}
    return (await client.post("/v1/tasks", json=body)).json()["id"]


@pytest.mark.mission("T7", via="running")
async def test_the_agenda_tells_overdue_from_today_and_this_week(client, desk):
    """Each in the zone asked for, else the tenant's; pages follow one another without a gap."""
    lead = await desk.lead()
    desk.clock.jump(datetime(2026, 11, 10, 22, 0, tzinfo=UTC))  # Tuesday, 17:00 in New York
    now = desk.clock()
    ids = [
        await own(client, lead, now + timedelta(hours=hours))
        for hours in (-48, -1, 1, 5, 24 * 3, 24 * 20)
    ]
    new_york = {"zone": "America/New_York", "show": "tasks"}
    page = (await client.get("/v1/agenda", params=new_york)).json()
    assert [(i["task"]["id"], i["due"]) for i in page["items"]] == [
        (ids[0], "overdue"),
        (ids[1], "overdue"),
        (ids[2], "today"),
        (ids[3], "today"),
        (ids[4], "week"),
    ]
    assert page["counts"] == {"overdue": 2, "today": 2, "week": 1}
    in_utc = (await client.get("/v1/agenda?show=tasks&due=today")).json()
    assert [i["task"]["id"] for i in in_utc["items"]] == ids[:3]
    async with desk.databases.worker.transaction() as tx:
        await set_tenant_settings(tx, desk.tenant.id, {"zone": "America/New_York"})
    at_home = (await client.get("/v1/agenda?show=tasks&due=today")).json()
    assert (at_home["zone"], len(at_home["items"])) == ("America/New_York", 4)
    overdue = (await client.get("/v1/agenda?show=tasks&due=overdue")).json()
    assert [i["task"]["id"] for i in overdue["items"]] == ids[:2]
    found, cursor = [], None
    while True:
        asked = {"due": "all", "limit": 2, "show": "tasks"} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/v1/agenda", params=asked)).json()
        found += [i["task"]["id"] for i in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert found == ids


@pytest.mark.mission("T1", via="running")
@pytest.mark.mission("T2", via="running")
@pytest.mark.mission("T3", via="running")
@pytest.mark.mission("T4", via="running")
@pytest.mark.mission("T5", via="running")
async def test_a_line_says_what_one_must_know_before_calling(client, desk, say):
    """Name and addresses, last contact and answer, next touch, stage and value of the deal."""
    lead, run = await desk.enrolled(value="1200.50", currency="EUR")
    touch = await desk.touch(run, "sms")
    await desk.send(touch)
    sent_at = desk.clock()
    async with desk.databases.worker.transaction() as tx:
        await set_deal(tx, desk.tenant.id, lead.lead_id, {"stage": "proposal"})
    (item,) = (await client.get("/v1/agenda?show=touches")).json()["items"]
    assert (item["type"], item["touch"]["channel"], item["touch"]["step"]) == (
        "touch",
        "email",
        "day-0",
    )
    known = item["lead"]
    assert (known["name"], known["phone"], known["email"]) == (
        "Ada",
        lead.phone_e164,
        lead.email,
    )
    assert known["deal"] == {"stage": "proposal", "value": "1200.50", "currency": "EUR"}
    assert (known["last_contact"]["channel"], known["last_contact"]["content"]) == (
        "sms",
        touch["content"],
    )
    assert datetime.fromisoformat(known["last_contact"]["at"]) == sent_at
    assert known["next_touch"]["channel"] == "email"
    assert known["response"] is None
    await desk.tell(desk.replies, say.reply(lead, at=desk.clock(), intent="question"))
    items = (await client.get("/v1/agenda")).json()["items"]
    (task,) = [i for i in items if i["type"] == "task"]
    assert task["task"]["kind"] == "answer_question"
    assert (task["lead"]["response"]["intent"], task["lead"]["response"]["channel"]) == (
        "question",
        "sms",
    )
    assert task["lead"]["next_touch"] is None
    assert task["lead"]["best_channel"] == {"channel": "sms", "why": "answered so far: sms 1 of 1"}


async def test_the_agenda_of_another_tenant_is_empty(client, client_of, desk):
    """Nobody sees who somebody else has to call."""
    await desk.enrolled()
    assert (await client.get("/v1/agenda")).json()["items"]
    async with await client_of(await desk.other_tenant()) as stranger:
        assert (await stranger.get("/v1/agenda")).json()["items"] == []


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ("zone=Nowhere/Else", "?zone"),
        ("zone=../etc/passwd", "?zone"),
        ("until=0001-01-01T00:00:00%2B14:00", "?until"),
        ("due=someday", "?due"),
        ("limit=0", "?limit"),
        ("cursor=nonsense", "?cursor"),
    ],
)
async def test_nonsense_is_refused_with_its_place(client, asked, pointer):
    """A problem with a pointer, never a 500."""
    answer = await client.get(f"/v1/agenda?{asked}")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_a_page_costs_what_it_shows(desk, database_url):
    """Far into a long agenda a page reads its own rows of the two indexes and no others."""
    tasks = text("""
        INSERT INTO scheduler.tasks (id, tenant_id, lead_id, person_id, kind, reason, state,
          due_at, created_at)
        SELECT gen_random_uuid(), :tenant, gen_random_uuid(), gen_random_uuid(), 'call', 'r',
          CASE WHEN n % 2 = 0 THEN 'open' ELSE 'done' END,
          CAST(:at AS timestamptz) + (n / 100) * interval '1 minute', CAST(:at AS timestamptz)
        FROM generate_series(1, 20000) AS n
    """)
    touches = text("""
        INSERT INTO scheduler.touches (id, tenant_id, enrollment_id, lead_id, person_id, sequence,
          version, step, occurrence, channel, state, round, epoch, lane, content, template,
          contact_round, transactional, due_at, outstanding, trace)
        SELECT gen_random_uuid(), :tenant, gen_random_uuid(), gen_random_uuid(),
          gen_random_uuid(), 's', 1, 'a', 1, 'sms',
          CASE WHEN n % 2 = 0 THEN 'planned' ELSE 'sent' END, 1, 0, 'later', 'c', 't', 'r', false,
          CAST(:at AS timestamptz) + (n / 100) * interval '1 minute', false, '[]'
        FROM generate_series(1, 20000) AS n
    """)
    at = desk.clock()
    async with desk.databases.worker.transaction() as tx:
        await tx.run(tasks, tenant=desk.tenant.id, at=at)
        await tx.run(touches, tenant=desk.tenant.id, at=at)
    # Only the tables' owner may tell the planner what is in them; it reads an unknown one whole.
    owner = await asyncpg.connect(database_url)
    try:
        await owner.execute("ANALYZE scheduler.tasks, scheduler.touches")
    finally:
        await owner.close()
    statement = agenda.PAGES[frozenset({"task", "touch"}), False]
    async with desk.databases.worker.transaction() as tx:
        rows = await tx.all(
            text(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement.text}"),
            tenant=desk.tenant.id,
            due_at=at + timedelta(minutes=100),
            id=UUID(int=0),
            until=at + timedelta(days=365),
            most=51,
        )
    (plan,) = rows[0]["QUERY PLAN"]
    scans = [node for node in _nodes(plan["Plan"]) if "Scan" in node["Node Type"]]
    assert {node.get("Index Name") for node in scans} == {"tasks_open", "touches_planned"}
    assert sum(node["Actual Rows"] for node in scans) <= 2 * 51
    assert sum(node.get("Rows Removed by Filter", 0) for node in scans) == 0


def _nodes(plan):
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)
