"""Sequences that ask for it learn from replies: which texts, subjects and hours do better."""

from datetime import timedelta

import pytest

from followup_scheduler.counting import Counting, Evidence

NAME = '{{ person.first_name | default: "there" }}'
DOCUMENT = f"""
key: learns
name: Learns
steps:
  - id: only
    at: {{day: 1, window: best}}
    touches:
      - channel: sms
        template: {{variants: [{{use: a}}, {{use: b}}], choose: thompson}}
      - channel: email
        template: letter
templates:
  a: {{text: 'Hi {NAME}, is it urgent? Reply STOP to opt out.'}}
  b: {{text: 'Hi {NAME}, shall we come and look? Reply STOP to opt out.'}}
  letter: {{subjects: [Your roof, A question], choose: thompson, text: 'Hi {NAME}, is it urgent?'}}
"""
HISTORY = """
INSERT INTO scheduler.touches (id, tenant_id, enrollment_id, lead_id, person_id, sequence, version,
  step, occurrence, channel, state, round, epoch, lane, content, template, contact_round,
  transactional, outstanding, compared, utc_offset, settled_at, trace)
SELECT gen_random_uuid(), :tenant, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(),
  :sequence, 1, 'only', 0, :channel, 'sent', 1, 0, 'later', :content, 'hash', 'r', false, false,
  true, :ahead, CAST(:at AS timestamptz), '[]'
FROM generate_series(1, :times)
RETURNING id
"""
ANSWER = """
INSERT INTO scheduler.answers (id, tenant_id, person_id, touch_id, channel, intent, at)
SELECT gen_random_uuid(), tenant_id, person_id, id, channel, :intent, settled_at
FROM scheduler.touches WHERE id = ANY(CAST(:ids AS uuid[]))
RETURNING id
"""


@pytest.fixture
def history(desk):
    """Puts down contacts of a tenant's past, so many of them answered."""

    async def add(content, times, answered, *, at=None, channel="sms", intent="interested", **more):
        known = {
            "tenant": desk.tenant.id,
            "sequence": "learns",
            "channel": channel,
            "content": content,
            "ahead": -300,
            "at": at or desk.clock(),
            "times": times,
        }
        sent = await desk.rows(HISTORY, **(known | more))
        ids = [row["id"] for row in sent[:answered]]
        await desk.rows(ANSWER, ids=ids, intent=intent)

    return add


async def planned_for_new_leads(desk, number):
    """What so many leads who enter now are planned, by channel."""
    planned = {"sms": [], "email": []}
    for _ in range(number):
        run = await desk.enter(await desk.lead(), "learns")
        for touch in await desk.touches(run):
            planned[touch["channel"]].append(touch)
    return planned


async def counted(desk):
    """Have what is asked for counted, as the loop does beside everything else."""
    await Counting(desk.databases.worker, desk.runs.evidence).run_once()


async def test_the_text_and_the_subject_that_are_answered_are_given_more_often(desk, history):
    """Of eight leads all get the text and the subject that speak for themselves; the figures
    stand in the trace, and what machines answered counts for nothing."""
    await desk.publish_sequence(DOCUMENT, key="learns")
    await history("a", 300, 30)
    await history("b", 300, 240)
    await history("letter~1", 300, 240, channel="email")
    await history("letter~2", 300, 300, channel="email", intent="out_of_office")
    await history("a", 300, 300, tenant=await desk.other_tenant())
    desk.runs.evidence.texts(desk.tenant.id, "learns")
    await counted(desk)

    planned = await planned_for_new_leads(desk, 8)

    assert {touch["content"] for touch in planned["sms"]} == {"b"}
    assert {touch["content"] for touch in planned["email"]} == {"letter~1"}
    (first, *_) = planned["sms"]
    assert "a 30 of 300, b 240 of 300" in first["trace"][0]["variant"]
    assert "letter~1 240 of 300, letter~2 0 of 300" in planned["email"][0]["trace"][0]["variant"]
    assert all(touch["compared"] for touches in planned.values() for touch in touches)


@pytest.mark.mission("R12", via="plan")
async def test_touches_go_at_the_hours_that_are_answered(desk, history):
    """A tenant whose people answer texts at eight in the evening and hardly at R12's hours has
    new leads texted at eight in the evening, on their clocks; the trace says by what."""
    await desk.publish_sequence(DOCUMENT, key="learns")
    evening = desk.clock().replace(hour=1, minute=30) - timedelta(days=3)  # 20:30 at UTC-5
    await history("a", 400, 320, at=evening)
    for hour in (15, 16, 21, 22):  # 10, 11, 16, 17 at UTC-5
        await history("a", 400, 0, at=evening.replace(hour=hour))
    desk.runs.evidence.hours(desk.tenant.id)
    await counted(desk)

    planned = await planned_for_new_leads(desk, 4)

    for touch in planned["sms"]:
        why = touch["trace"][0]["hours"]
        assert "20:00 320 of 400" in why
        assert not any(f"{hour}:00 0 of 400" in why for hour in (10, 11, 16, 17))
        assert touch["utc_offset"] in (-300, -240)


async def test_what_nobody_asks_for_is_not_counted(desk, history):
    """No sequence asks: nothing is counted. Whoever asks gets what was counted for the last one,
    however long ago that was, and has it counted anew for the next."""
    moment = [0.0]
    evidence = Evidence(monotonic=lambda: moment[0])
    loop = Counting(desk.databases.worker, evidence)
    await history("a", 3, 1)
    assert (await loop.run_once()).worked == 0
    assert evidence.texts(desk.tenant.id, "learns") == {}
    assert (await loop.run_once()).worked == 1
    moment[0] += 86_400
    assert (await loop.run_once()).worked == 0
    await history("a", 2, 0)
    assert evidence.texts(desk.tenant.id, "learns")["a"].sent == 3
    assert (await loop.run_once()).worked == 1
    assert evidence.texts(desk.tenant.id, "learns")["a"].sent == 5
