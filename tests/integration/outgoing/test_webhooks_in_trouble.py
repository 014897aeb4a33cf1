"""What is wrong on our side: a record nobody can show, a secret nobody can open."""

import asyncio
from uuid import UUID

from followup_directory import Vault
from followup_directory.vault import new_secret_key
from followup_intake.outgoing.line import Line
from followup_testkit.waiting import until

CAPTURED = "followup.lead.captured.v1"
TEAR = "UPDATE people.leads SET attributes = '\"torn\"' WHERE id = :lead"
MEND = "UPDATE people.leads SET attributes = '{}' WHERE id = :lead"
SECRETS = "UPDATE intake.endpoints SET secrets = :sealed WHERE id = :id"


async def test_an_event_no_body_can_be_made_of_delays_nobody(house):
    """It says why and comes when it is mended; the endpoint is not to blame for it."""
    made = await house.endpoint(types=[CAPTURED])
    torn, *sound = [await house.lead(number) for number in range(1, 6)]
    await house.run(TEAR, lead=torn)
    await house.deliver()
    arrived = {each.checked(made["secret"])["data"]["lead_id"] for each in house.receiver.heard}
    assert arrived == {str(lead) for lead in sound}
    (left,) = await house.deliveries(made, "?state=pending")
    (tried,) = (await house.tries(made, left["id"]))["tries"]
    assert (tried["status"], tried["error"]) == (None, "its body could not be made: ValueError")
    assert (await house.seen(made))["failures"] == 0
    shown = house.replicas[0].metrics.exposition().decode()
    assert "followup_webhook_bodies_unmade_total 1.0" in shown
    await house.run(MEND, lead=torn)
    await house.hurry()
    await house.deliver()
    assert house.receiver.heard[-1].checked(made["secret"])["data"]["lead_id"] == str(torn)


async def test_readers_of_events_go_on_behind_one_that_cannot_be_shown(house):
    """It has its ids alone; the others have their records."""
    await house.ask("GET", "/v1/events")
    torn, sound = await house.lead(1), await house.lead(2)
    await house.run(TEAR, lead=torn)
    await house.replicas[0].distribute()
    answer = await house.ask("GET", "/v1/events")
    assert answer.status_code == 200
    found = {item["data"]["lead_id"]: item["data"] for item in answer.json()["items"]}
    assert "lead" not in found[str(torn)]
    assert found[str(sound)]["lead"]["id"] == str(sound)


async def test_an_event_past_its_keeping_is_given_up_and_blames_nobody(house):
    """The delivery failed, and the endpoint did not."""
    made = await house.endpoint(types=[CAPTURED])
    await house.lead()
    await house.replicas[0].distribute()
    await house.run("DELETE FROM intake.events")
    await house.deliver()
    (left,) = await house.deliveries(made)
    assert left["state"] == "failed"
    assert (await house.seen(made))["failures"] == 0


async def test_a_secret_whose_key_is_gone_is_changed_without_it(house):
    """409 where the former was to go on signing; with no grace the new one signs alone."""
    made = await house.endpoint()
    foreign = Vault([new_secret_key()]).seal({"current": made["secret"]})
    await house.run(SECRETS, sealed=foreign, id=UUID(made["id"]))
    path = f"/v1/endpoints/{made['id']}/secret"
    refused = await house.ask("POST", path, json={})
    assert (refused.status_code, refused.json()["title"]) == (409, "Former secret lost")
    assert refused.json()["errors"][0]["pointer"] == "/grace_seconds"
    (row,) = await house.rows("SELECT secrets FROM intake.endpoints")
    assert bytes(row["secrets"]) == foreign
    changed = await house.ask("POST", path, json={"grace_seconds": 0})
    assert changed.status_code == 200
    await house.lead()
    await house.deliver()
    (heard,) = house.receiver.heard
    assert heard.checked(changed.json()["secret"])["type"] == CAPTURED


async def test_secrets_sealed_before_a_rotation_of_keys_go_on_signing(house):
    """With the new key first and the former behind it nothing changes for an endpoint."""
    made = await house.endpoint(types=[CAPTURED])
    rotated = await house.another(new_key=True)
    await house.lead(1)
    await rotated.distribute()
    await rotated.deliver()
    assert house.receiver.heard[-1].checked(made["secret"])["type"] == CAPTURED


async def test_connections_to_endpoints_are_kept_and_not_heaped_up(house):
    """A call goes on a former one's; when so many were made, those that idle are closed."""
    line = Line(loopback=True, made=3)
    url = f"{house.receiver.url}/hook"
    try:
        for _ in range(3):
            await line.post(url, b"{}", {})
        assert house.receiver.connections == 1
        house.receiver.silent.add("/hook")
        calls = [asyncio.create_task(line.post(url, b"{}", {})) for _ in range(3)]
        await until(lambda: house.receiver.under_way == 3)
        assert house.receiver.connections == 3
        house.receiver.let_go.set()
        await asyncio.gather(*calls)
        await line.post(url, b"{}", {})
        await until(lambda: house.receiver.connections == 1)
    finally:
        await line.close()
    await until(lambda: house.receiver.connections == 0)


async def test_calls_under_way_keep_their_connections(house):
    """New ones take others meanwhile, and the former go with the last call on them."""
    line = Line(loopback=True, made=1)
    house.receiver.silent.add("/slow")
    try:
        slow = asyncio.create_task(line.post(f"{house.receiver.url}/slow", b"{}", {}))
        await until(lambda: house.receiver.under_way == 1)
        for _ in range(2):
            told = await line.post(f"{house.receiver.url}/hook", b"{}", {})
            assert told.status == 200
        house.receiver.let_go.set()
        assert (await slow).status == 200
        await until(lambda: house.receiver.connections == 1)
    finally:
        await line.close()
