"""What peers' users complain about when nothing happens, and when much does."""

import asyncio

import httpx

from followup_runtime.loops import LoopRunner
from followup_testkit.waiting import until

MOST_ROUNDS = 60
"""Rounds a second of all loops of all services together, with nothing to do: each is a
statement or two that find nothing."""
EVENTS = 200


async def test_nothing_to_do_costs_next_to_nothing(followup):
    """dittofeed#995: processor used while idle. No loop of any service spins."""
    await followup.lead()
    await followup.play()
    loops = [
        runner.loop
        for service in followup.house.services
        for runner in (*service.runners, *service.finishers)
        if isinstance(runner, LoopRunner)
    ]
    pauses = {}
    for loop in loops:
        ticks = [await loop.run_once() for _ in range(2)]
        pauses[loop.name] = ticks[-1].again_in
    assert {name for name, pause in pauses.items() if pause <= 0} == set()
    assert sum(1 / pause for pause in pauses.values()) < MOST_ROUNDS, pauses


async def test_many_events_are_taken_and_leave_nothing_behind_in_memory(followup):
    """dittofeed#1844: memory fills and events are answered with 500."""
    lead = await followup.lead()
    path = f"/v1/leads/{lead.id}/events"
    body = {"kind": "deal.stage_changed", "stage": "quoted"}

    async def told() -> httpx.Response:
        answer = await followup.client.post(path, json=body)
        while answer.status_code == 503:  # asked to come again, as on a machine that is slow
            answer = await followup.client.post(path, json=body)
        return answer

    answers = await asyncio.gather(*(told() for _ in range(EVENTS)))
    assert {answer.status_code // 100 for answer in answers} == {2}, answers[0].text
    await until(lambda: followup.house.pending == 0, within=60, what="everything worked off")
