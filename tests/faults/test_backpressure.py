"""A provider that stands still: the backlog waits where it can be stopped, not in the broker."""

import asyncio
import json
from collections import Counter
from pathlib import Path

import aio_pika
import pytest
from fleet import Fleet, lead

from followup_contracts.topology import QUEUES
from followup_testkit.twilio.faults import Silence
from followup_testkit.waiting import until

LEADS = 800
WINDOW = 200
"""That of a hurried scheduler."""
FOR_LATER = WINDOW * 3 // 4
SHARE = 64
"""The calls that one account may hold of a dispatcher's 256."""
TRIALS = 10
"""Calls beyond those, for however long this takes: before the fifth has failed, and one after
each pause."""
LOOKS = 20
GROWTH_MB = 16.0


@pytest.fixture
async def standing_still(fleet, stub) -> Fleet:
    """Everything that an import needs to be texted, but no text is answered."""
    stub.rule = lambda _request: Silence(accepted=False)
    await asyncio.gather(
        fleet.start("intake"),
        fleet.start("scheduler", hurried=True),
        fleet.start("dispatcher"),
        fleet.start("replies"),
    )
    await fleet.publish_sequence()
    return fleet


@pytest.mark.timeout(400)
async def test_a_provider_that_stands_still_leaves_the_backlog_in_the_database(
    standing_still, stub, own_rabbit
):
    """The broker holds a window at most, memory stays flat, a stop reaches the backlog, and
    when the provider is back every other lead is texted once."""
    fleet = standing_still
    await post_batch(fleet, LEADS)
    await until(lambda: enrolled(fleet, LEADS), within=120, what="all are enrolled")
    await stub.requests(SHARE, within=60)
    before = resident_mb(fleet)

    deepest = 0
    for _ in range(LOOKS):
        held = await depths(own_rabbit.url)
        deepest = max(deepest, sum(held.values()))
        assert await outstanding(fleet) <= FOR_LATER
        await fleet.rows("SELECT pg_sleep(0.25)")
    assert deepest <= WINDOW
    assert len(stub.ledger.requests) <= SHARE + TRIALS, "an account that is silent is called on"
    grown = {name: resident_mb(fleet)[name] - mb for name, mb in before.items()}
    assert max(grown.values()) < GROWTH_MB, grown

    stopped = [await halt_one(fleet), await suppress_one(fleet, outstanding=False)]
    stopped.append(await suppress_one(fleet, outstanding=True))
    begun = len(stub.ledger.requests)
    stub.rule = lambda _request: None
    stub.release()

    await until(lambda: settled(fleet, LEADS), within=200, what="every touch has its outcome")
    states = Counter(row["state"] for row in await touches(fleet))
    assert states["sent"] == LEADS - len(stopped), states
    assert set(states) <= {"sent", "cancelled", "skipped"}
    reached = Counter(request.to for request in stub.ledger.accepted)
    assert set(reached.values()) == {1}
    assert len(reached) == LEADS - len(stopped)
    assert not reached.keys() & set(stopped)
    assert not {request.to for request in stub.ledger.requests[begun:]} & set(stopped)


async def post_batch(fleet: Fleet, count: int) -> None:
    """Send leads as a campaign is sent: NDJSON, lane `later`."""
    answer = await fleet.ask(
        "intake",
        "POST",
        "/v1/leads/batch",
        content="\n".join(json.dumps(lead(number)) for number in range(count)),
        headers={"Content-Type": "application/x-ndjson"},
    )
    assert answer.is_success
    assert '"refused"' not in answer.text


async def enrolled(fleet: Fleet, count: int) -> bool:
    (row,) = await fleet.rows("SELECT count(*) AS n FROM scheduler.enrollments")
    return row["n"] == count


async def outstanding(fleet: Fleet) -> int:
    (row,) = await fleet.rows("SELECT count(*) AS n FROM scheduler.touches WHERE outstanding")
    return row["n"]


async def touches(fleet: Fleet) -> list:
    return await fleet.rows("SELECT state FROM scheduler.touches")


async def settled(fleet: Fleet, count: int) -> bool:
    states = Counter(row["state"] for row in await touches(fleet))
    return states["sent"] + states["skipped"] + states["cancelled"] == count


async def depths(url: str) -> dict[str, int]:
    """Messages that wait in each queue of ours."""
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        found = {}
        for queue in QUEUES:
            declared = await channel.declare_queue(queue.name, passive=True)
            found[queue.name] = declared.declaration_result.message_count or 0
    return found


def resident_mb(fleet: Fleet) -> dict[str, float]:
    """What each process holds in memory."""
    found = {}
    for name, process in fleet.processes.items():
        status = Path(f"/proc/{process.pid}/status").read_text()
        (line,) = (each for each in status.splitlines() if each.startswith("VmRSS"))
        found[name] = int(line.split()[1]) / 1024
    return found


async def halt_one(fleet: Fleet) -> str:
    """Halt a lead whose text is planned and has no place in the window; its number."""
    (row,) = await fleet.rows(
        "SELECT enrollment_id, lead_id FROM scheduler.touches"
        " WHERE state = 'planned' AND NOT outstanding ORDER BY id DESC LIMIT 1"
    )
    path = f"/v1/enrollments/{row['enrollment_id']}/halt"
    answer = await fleet.ask("scheduler", "POST", path, json={"reason": "sold"})
    assert answer.is_success, answer.text
    return await number_of(fleet, row["lead_id"])


async def suppress_one(fleet: Fleet, *, outstanding: bool) -> str:
    """Stop a lead whose text is in the backlog, or asked for and not called yet; its number."""
    (row,) = await fleet.rows(
        "SELECT lead_id FROM scheduler.touches AS t WHERE state IN ('planned', 'commanded')"
        " AND outstanding = :outstanding AND NOT EXISTS"
        "  (SELECT FROM dispatcher.attempts AS a WHERE a.touch_id = t.id) ORDER BY id LIMIT 1",
        outstanding=outstanding,
    )
    number = await number_of(fleet, row["lead_id"])
    stop = {"address": number, "channel": "all"}
    answer = await fleet.ask("replies", "PUT", "/v1/suppressions", json=stop)
    assert answer.is_success, answer.text
    return number


async def number_of(fleet: Fleet, lead_id) -> str:
    (row,) = await fleet.rows(
        "SELECT c.address FROM people.leads AS l JOIN people.contact_points AS c"
        " ON c.person_id = l.person_id WHERE l.id = :lead AND c.kind = 'phone'",
        lead=lead_id,
    )
    return row["address"]
