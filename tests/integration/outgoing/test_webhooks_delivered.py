"""Events arrive at a product's endpoint: signed, filled in, in order, and again if need be."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from receiver import Told
from standardwebhooks import WebhookVerificationError

from followup_client.webhooks import WebhookVerifier
from followup_testkit.waiting import until


async def test_an_event_arrives_signed_with_what_it_is_about(house):
    """The body names the event and carries lead and person as they are now."""
    made = await house.endpoint()
    lead = await house.lead(need="a roof")
    await house.deliver()
    (heard,) = house.receiver.heard
    told = heard.checked(made["secret"])
    assert (told["type"], told["sequence"]) == ("followup.lead.captured.v1", 1)
    assert told["data"]["lead"] | {"id": str(lead), "need": "a roof"} == told["data"]["lead"]
    assert told["data"]["person"]["phones"][0]["address"] == "+12125550101"
    assert heard.headers["webhook-id"] == told["id"]
    ours = WebhookVerifier(made["secret"]).verify(heard.body, heard.headers, now=datetime.now(UTC))
    assert ours.body == told
    (listed,) = await house.deliveries(made)
    assert (listed["state"], listed["attempts"], listed["sequence"]) == ("delivered", 1, 1)


async def test_events_arrive_by_themselves(house):
    """Nobody moves the loops: what is posted is told of soon after."""
    await house.endpoint()
    stop = asyncio.Event()
    runners = house.replicas[0].service.runners
    tasks = [asyncio.create_task(runner.run(stop)) for runner in runners]
    await house.lead()
    await until(lambda: house.receiver.heard)
    stop.set()
    await asyncio.gather(*tasks)


async def test_the_body_is_the_present_truth(house):
    """What changed between event and delivery arrives as it is; what was erased as nothing."""
    await house.endpoint(types=["followup.lead.captured.v1"])
    changed = await house.lead(1, need="a roof")
    erased = await house.lead(2, need="a wall")
    await house.change(changed, "a window")
    assert (await house.ask("DELETE", f"/v1/leads/{erased}")).status_code == 202
    await house.deliver()
    bodies = [json.loads(each.body)["data"] for each in house.receiver.heard]
    by_lead = {body["lead_id"]: body for body in bodies}
    assert by_lead[str(changed)]["lead"]["need"] == "a window"
    assert by_lead[str(erased)]["lead"] is None
    assert by_lead[str(erased)]["person"] is None


async def test_an_endpoint_gets_the_types_it_wants(house):
    """Others are not delivered to it; one without types gets all."""
    some = await house.endpoint("/some", types=["followup.lead.updated.v1"])
    await house.endpoint("/all")
    lead = await house.lead()
    await house.change(lead, "a door")
    await house.deliver()
    assert len(house.receiver.at("/all")) == 2
    (heard,) = house.receiver.at("/some")
    assert heard.checked(some["secret"])["type"] == "followup.lead.updated.v1"


async def test_what_failed_comes_again_under_the_same_id(house):
    """Each attempt is kept with status, time and the beginning of the answer."""
    made = await house.endpoint()
    house.receiver.answers["/hook"] = [Told(500, b"x" * 5000), Told(204, b"")]
    await house.lead()
    await house.deliver()
    (listed,) = await house.deliveries(made)
    assert (listed["state"], listed["attempts"]) == ("pending", 1)
    assert (await house.seen(made))["failures"] == 1
    await house.hurry()
    await house.deliver()
    first, second = house.receiver.heard
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    whole = await house.tries(made, listed["id"])
    assert [(t["number"], t["status"]) for t in whole["tries"]] == [(2, 204), (1, 500)]
    assert whole["tries"][1]["answer"] == "x" * 500
    assert whole["state"] == "delivered"
    assert (await house.seen(made))["failures"] == 0


@pytest.mark.parametrize("status", [301, 302, 307, 400, 404, 503])
async def test_only_2xx_is_taken(house, status):
    """A redirect is not followed, and neither it nor an error counts as taken."""
    made = await house.endpoint()
    elsewhere = {"Location": f"{house.receiver.url}/elsewhere"}
    house.receiver.answers["/hook"] = [Told(status, headers=elsewhere)]
    await house.lead()
    await house.deliver()
    assert [each.path for each in house.receiver.heard] == ["/hook"]
    (listed,) = await house.deliveries(made)
    assert listed["state"] == "pending"


async def test_retry_after_is_honoured(house):
    """The next try is no earlier than the endpoint asked for."""
    made = await house.endpoint()
    house.receiver.answers["/hook"] = [Told(429, headers={"Retry-After": "4000"})]
    await house.lead()
    await house.deliver()
    (listed,) = await house.deliveries(made)
    due = datetime.fromisoformat(listed["next_try_at"])
    assert due - datetime.now(UTC) > timedelta(seconds=3000)


async def test_410_disables_the_endpoint(house):
    """It says why, and nothing is delivered to it any more until it is enabled."""
    made = await house.endpoint()
    house.receiver.answers["/hook"] = [Told(410), Told(200)]
    await house.lead(1)
    await house.deliver()
    seen = await house.seen(made)
    assert (seen["state"], "410" in seen["reason"]) == ("disabled", True)
    assert [each["state"] for each in await house.deliveries(made)] == ["failed"]
    await house.lead(2)
    await house.deliver()
    assert len(house.receiver.heard) == 1
    path = f"/v1/endpoints/{made['id']}"
    enabled = await house.ask("PATCH", path, json={"state": "active"})
    assert (enabled.json()["state"], enabled.json()["reason"]) == ("active", None)
    await house.lead(3)
    await house.deliver()
    assert len(house.receiver.heard) == 2


async def test_an_endpoint_that_fails_for_three_days_is_disabled(house):
    """The delivery is given up, the reason says how it failed at last."""
    made = await house.endpoint()
    house.receiver.answers["/hook"] = [Told(500)]
    await house.lead()
    await house.deliver()
    assert (await house.seen(made))["state"] == "active"
    await house.run("UPDATE intake.deliveries SET opened_on = now() - interval '73 hours'")
    await house.run("UPDATE intake.endpoints SET failing_since = now() - interval '73 hours'")
    await house.hurry()
    await house.deliver()
    seen = await house.seen(made)
    assert (seen["state"], seen["reason"]) == (
        "disabled",
        "it failed for 3 days, at last with: 500",
    )
    assert [each["state"] for each in await house.deliveries(made)] == ["failed"]
    shown = house.replicas[0].metrics.exposition().decode()
    assert "followup_webhook_endpoints_disabled_total 1.0" in shown


async def test_a_lead_s_events_wait_for_one_another(house):
    """A later one is not delivered before an earlier one; other leads' are."""
    made = await house.endpoint()
    first, second = await house.lead(1), await house.lead(2)
    house.receiver.answers["/hook"] = [Told(500), Told(200)]
    await house.change(first, "a door")
    await house.change(first, "a wall")
    await house.deliver()
    failed = {each["lead_id"] for each in await house.deliveries(made, "?state=pending")}
    assert len(failed) == 1
    waiting = await house.deliveries(made, "?state=waiting")
    # Either lead's first event was the one that failed; what follows of that lead waits.
    assert {each["lead_id"] for each in waiting} <= failed
    await house.hurry()
    await house.deliver()
    bodies = [each.checked(made["secret"]) for each in house.receiver.heard]
    for lead in (first, second):
        theirs = [b["sequence"] for b in bodies if b["data"]["lead_id"] == str(lead)]
        assert theirs == sorted(theirs)
    assert {each["state"] for each in await house.deliveries(made)} == {"delivered"}


async def test_a_waiting_event_is_not_overtaken_by_one_that_comes_later(house):
    """While the first of a lead is tried again, those behind it stay in their order."""
    made = await house.endpoint()
    house.receiver.answers["/hook"] = [Told(500), Told(500), Told(200)]
    lead = await house.lead()
    await house.deliver()
    await house.change(lead, "a door")
    await house.deliver()
    await house.hurry()
    await house.deliver()
    await house.change(lead, "a wall")
    await house.deliver()
    assert [e["state"] for e in await house.deliveries(made)] == ["pending", "waiting", "waiting"]
    await house.hurry()
    await house.deliver()
    order = [each.checked(made["secret"])["sequence"] for each in house.receiver.heard]
    assert order == [1, 1, 1, 2, 3]


async def test_a_dead_endpoint_delays_nobody(house):
    """One that never answers has its share of the calls; the other gets everything meanwhile."""
    await house.endpoint("/dead")
    await house.endpoint("/alive")
    house.receiver.silent.add("/dead")
    for number in range(1, 31):
        await house.lead(number)
    replica = house.replicas[0]
    await replica.distribute()

    async def all_arrived() -> bool:
        await replica.courier.run_once()
        return len(house.receiver.at("/alive")) == 30

    await until(all_arrived)
    assert 1 <= len(house.receiver.at("/dead")) <= 8
    house.receiver.let_go.set()
    await replica.courier.finish(within=10)


async def test_an_endpoint_that_keeps_failing_is_asked_by_one_at_a_time(house):
    """After five failures in a row it rests between them, however much waits for it."""
    made = await house.endpoint()
    house.receiver.answers["/hook"] = [Told(500)]
    for number in range(1, 13):
        await house.lead(number)
    await house.deliver()
    failures = (await house.seen(made))["failures"]
    assert 5 <= failures <= 12
    before = len(house.receiver.heard)
    await house.deliver()
    assert len(house.receiver.heard) == before
    await house.hurry()
    await house.replicas[0].courier.run_once()
    await house.replicas[0].courier.finish(within=10)
    assert len(house.receiver.heard) == before + 1


async def test_two_replicas_deliver_each_event_once(house):
    """They claim at the same time, and never the same."""
    await house.another()
    await house.endpoint("/one")
    await house.endpoint("/two")
    for number in range(1, 31):
        await house.lead(number)
    await asyncio.gather(*(replica.distribute() for replica in house.replicas))
    await house.replicas[0].distribute()  # what the one that found the other at it left
    await asyncio.gather(*(replica.deliver() for replica in house.replicas))
    await house.deliver()
    for path in ("/one", "/two"):
        ids = [each.headers["webhook-id"] for each in house.receiver.at(path)]
        assert (len(ids), len(set(ids))) == (30, 30)


async def test_a_delivery_that_was_not_recorded_is_made_again_under_the_same_id(house):
    """The process went between the call and its record: another takes over after the lease."""
    made = await house.endpoint()
    house.receiver.silent.add("/hook")
    await house.lead()
    first, second = house.replicas[0], await house.another()
    await first.distribute()
    await first.courier.run_once()
    await until(lambda: house.receiver.heard)
    await first.courier.finish(within=0)
    house.receiver.silent.clear()
    await second.deliver()
    assert len(house.receiver.heard) == 1
    await house.hurry()  # the lease is over
    await second.deliver()
    one, other = house.receiver.heard
    assert one.headers["webhook-id"] == other.headers["webhook-id"]
    (listed,) = await house.deliveries(made)
    assert (listed["state"], listed["attempts"]) == ("delivered", 2)


async def test_who_comes_back_too_late_records_nothing(house):
    """A lease that another has taken over is theirs; the late answer changes nothing."""
    made = await house.endpoint()
    house.receiver.answers["/hook"] = [Told(500), Told(200)]
    house.receiver.silent.add("/hook")
    await house.lead()
    first, second = house.replicas[0], await house.another()
    await first.distribute()
    await first.courier.run_once()
    await until(lambda: house.receiver.heard)
    await house.hurry()
    await second.courier.run_once()
    await until(lambda: len(house.receiver.heard) == 2)
    house.receiver.let_go.set()
    await first.courier.finish(within=10)
    await second.courier.finish(within=10)
    whole = await house.tries(made, (await house.deliveries(made))[0]["id"])
    assert [each["number"] for each in whole["tries"]] == [2]


async def test_a_changed_secret_signs_beside_the_former(house):
    """While the grace lasts either verifies; after it the new one alone does."""
    made = await house.endpoint()
    path = f"/v1/endpoints/{made['id']}/secret"
    renewed = (await house.ask("POST", path, json={"grace_seconds": 600})).json()
    assert renewed["secret"] != made["secret"]
    await house.lead(1)
    await house.deliver()
    (heard,) = house.receiver.heard
    assert heard.checked(made["secret"]) == heard.checked(renewed["secret"])
    await house.run("UPDATE intake.endpoints SET former_until = now() - interval '1 second'")
    await house.lead(2)
    await house.deliver()
    last = house.receiver.heard[-1]
    last.checked(renewed["secret"])
    with pytest.raises(WebhookVerificationError):
        last.checked(made["secret"])


async def test_an_endpoint_can_be_tried_out(house):
    """An event that tells of nothing arrives, and is followed like any other."""
    made = await house.endpoint()
    answer = await house.ask("POST", f"/v1/endpoints/{made['id']}/test")
    assert answer.status_code == 202
    await house.deliver()
    told = house.receiver.heard[0].checked(made["secret"])
    assert (told["type"], told["sequence"]) == ("followup.endpoint.tested.v1", None)
    assert (await house.tries(made, answer.json()["delivery_id"]))["state"] == "delivered"


async def test_a_delivery_can_be_had_again(house):
    """Under the same id, with the present truth, though it was taken before."""
    made = await house.endpoint(types=["followup.lead.captured.v1"])
    lead = await house.lead(need="a roof")
    await house.deliver()
    await house.change(lead, "a door")
    (listed,) = await house.deliveries(made)
    path = f"/v1/endpoints/{made['id']}/deliveries/{listed['id']}/replay"
    assert (await house.ask("POST", path)).status_code == 202
    await house.deliver()
    first, second = (each.checked(made["secret"]) for each in house.receiver.heard)
    assert first["id"] == second["id"]
    assert second["data"]["lead"]["need"] == "a door"


async def test_what_failed_can_be_had_again(house):
    """All of it since a moment, each lead's in its order, and nothing that was taken."""
    made = await house.endpoint()
    lead, other = await house.lead(1), await house.lead(2)
    await house.change(lead, "a door")
    await house.deliver()
    statement = "UPDATE intake.deliveries SET state = 'failed' WHERE lead_id = :lead"
    assert await house.run(statement, lead=lead) == 2
    heard = len(house.receiver.heard)
    path = f"/v1/endpoints/{made['id']}/replay"
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    answer = await house.ask("POST", path, json={"since": since})
    assert (answer.status_code, answer.json()) == (202, {"replayed": 2})
    await house.deliver()
    again = [each.checked(made["secret"]) for each in house.receiver.heard[heard:]]
    assert [each["data"]["lead_id"] for each in again] == [str(lead)] * 2
    assert [each["sequence"] for each in again] == sorted(each["sequence"] for each in again)
    assert str(other) not in {each["data"]["lead_id"] for each in again}
    late = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert (await house.ask("POST", path, json={"since": late})).json() == {"replayed": 0}


async def test_a_suspended_tenant_is_told_when_it_is_resumed(house):
    """Meanwhile nothing is delivered, and nothing is lost."""
    await house.endpoint()
    await house.lead()
    await house.replicas[0].distribute()
    state = "UPDATE directory.tenants SET state = :state WHERE id = :id"
    await house.run(state, state="suspended", id=house.tenant.id)
    await house.replicas[0].deliver()
    assert house.receiver.heard == []
    await house.run(state, state="active", id=house.tenant.id)
    await house.hurry()
    await house.replicas[0].deliver()
    assert len(house.receiver.heard) == 1
