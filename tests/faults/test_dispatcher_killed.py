import asyncio

import pytest

from followup_testkit.twilio.faults import Silence
from followup_testkit.waiting import until


@pytest.fixture
async def sending(fleet):
    """Everything that a posted lead needs to be texted."""
    await asyncio.gather(*map(fleet.start, ("intake", "scheduler", "dispatcher")))
    await fleet.publish_sequence()
    return fleet


async def test_a_dispatcher_killed_before_it_recorded_an_acceptance_sends_nothing_twice(
    sending, stub
):
    """The provider has the text, nobody knows: the vendor's record settles it, not a resend."""
    stub.script.append(Silence(accepted=True))
    lead_id = await sending.post_lead()
    (request,) = await stub.requests(1)
    (held,) = await sending.rows("SELECT state, settled_by FROM dispatcher.attempts")
    assert dict(held) == {"state": "claimed", "settled_by": None}

    await sending.kill("dispatcher")
    stub.release()
    await sending.start("dispatcher", hurried=True)

    async def resolved() -> bool:
        (touch,) = await sending.rows("SELECT state FROM scheduler.touches")
        return touch["state"] == "sent"

    await until(resolved, within=60, what="the touch is known as sent")
    attempts = await sending.rows(
        "SELECT number, state, settled_by, provider_ref FROM dispatcher.attempts"
    )
    assert [dict(row) for row in attempts] == [
        {"number": 1, "state": "accepted", "settled_by": "record", "provider_ref": request.sid}
    ]
    assert len(stub.ledger.requests) == 1
    timeline = await sending.ask("scheduler", "GET", f"/v1/leads/{lead_id}/timeline")
    told = {line["what"] for line in timeline.json()["items"]}
    assert {"asked for", "unknown", "sent"} <= told


async def test_a_dispatcher_told_to_end_under_load_finishes_its_calls(sending, stub):
    """SIGTERM: calls under way end, their answers are committed and told, exit 0."""
    stub.rule = lambda _request: Silence(accepted=True)
    for number in range(5):
        await sending.post_lead(number)
    await stub.requests(5)

    ending = asyncio.create_task(sending.terminate("dispatcher"))
    await until(lambda: "process.draining" in sending.log("dispatcher"), what="the drain began")
    stub.release()

    assert await ending == 0, sending.log("dispatcher")
    attempts = await sending.rows("SELECT state FROM dispatcher.attempts")
    assert [row["state"] for row in attempts] == ["accepted"] * 5

    async def told() -> bool:
        touches = await sending.rows("SELECT state FROM scheduler.touches")
        return [touch["state"] for touch in touches] == ["sent"] * 5

    await until(told, what="all touches are known as sent")
    assert len(stub.ledger.requests) == 5


async def test_a_dispatcher_told_to_end_does_not_wait_for_a_silent_provider(sending, stub):
    """Its calls are recorded as unknown before it ends, in time; nothing is sent again."""
    stub.rule = lambda _request: Silence(accepted=True)
    for number in range(3):
        await sending.post_lead(number)
    await stub.requests(3)

    assert await sending.terminate("dispatcher") == 0, sending.log("dispatcher")

    attempts = await sending.rows("SELECT number, state, settled_by FROM dispatcher.attempts")
    assert [dict(row) for row in attempts] == [
        {"number": 1, "state": "unknown", "settled_by": "answer"}
    ] * 3
    stub.release()
    await sending.start("dispatcher")

    async def found() -> bool:
        touches = await sending.rows("SELECT state FROM scheduler.touches")
        return [touch["state"] for touch in touches] == ["sent"] * 3

    await until(found, within=60, what="the vendor's record settles them")
    assert len(stub.ledger.requests) == 3
