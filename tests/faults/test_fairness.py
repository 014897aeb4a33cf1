"""A tenant with a great deal to send, and another one's lead beside it."""

import asyncio
import json
from uuid import UUID

import httpx
import pytest
from fleet import SEQUENCE, Fleet, lead

from followup_directory import Vault, create_key, create_tenant, put_account
from followup_testkit.waiting import until

IMPORTED = 3_000
FRESH = 6
AT_ONCE = IMPORTED // 3
"""What may be texted of the import while another tenant's lead is on its way: what is in the
dispatcher's hands, and what goes out meanwhile; behind the import it would be nearly all."""


@pytest.fixture
async def sending(fleet) -> Fleet:
    """Everything that a posted lead needs to be texted."""
    await asyncio.gather(*map(fleet.start, ("intake", "scheduler", "dispatcher")))
    await fleet.publish_sequence()
    return fleet


@pytest.mark.timeout(400)
async def test_an_import_does_not_delay_another_tenants_fresh_leads(sending, stub):
    """Each is texted while the import is still going out, and little of it goes before."""
    fleet, token = sending, await neighbour(sending)
    await post_one(fleet, token, lead(IMPORTED + FRESH))  # its first one opens connections
    await stub.requests(1, within=60)
    importing = asyncio.create_task(post_import(fleet))
    await stub.requests(2, within=60)

    ahead = []
    for number in range(IMPORTED, IMPORTED + FRESH):
        body = lead(number)
        before = len(stub.ledger.requests)
        await post_one(fleet, token, body)

        def gone(phone=body["phone"]) -> bool:
            return any(request.to == phone for request in stub.ledger.requests)

        await until(gone, within=60, what="the fresh lead is texted")
        ahead.append(len(stub.ledger.requests) - before - 1)
    assert len(stub.ledger.requests) < 1 + IMPORTED + FRESH, "the import was over by then"
    assert max(ahead) <= AT_ONCE, ahead

    await importing
    await stub.requests(1 + IMPORTED + FRESH, within=120)
    assert stub.ledger.twice() == []


async def neighbour(fleet: Fleet) -> str:
    """A second tenant with an account of its own and the same sequence; its key."""
    settings = {
        "base_url": fleet.stub.base_url,
        "account_sid": fleet.stub.account_sid,
        "from": "+12025550199",
    }
    async with fleet.database.transaction() as tx:
        tenant = await create_tenant(
            tx, "next", "Next", {"business_name": "Next Door", "sandbox": False}
        )
        await put_account(
            tx,
            tenant.id,
            channel="sms",
            provider="twilio",
            name="next door's",
            settings=settings,
            sealed=Vault([fleet.secret_key]).seal({"auth_token": fleet.stub.auth_token}),
        )
        token = (await create_key(tx, tenant.id, "test")).token
    async with client(fleet.urls["scheduler"], token) as api:
        kind = {"Content-Type": "application/yaml"}
        assert (await api.put("/v1/sequences/one", content=SEQUENCE, headers=kind)).is_success
        assert (await api.post("/v1/sequences/one/publish")).is_success
    return token


async def post_import(fleet: Fleet) -> None:
    """The first tenant's leads, as NDJSON of lane `later`."""
    answer = await fleet.ask(
        "intake",
        "POST",
        "/v1/leads/batch",
        content="\n".join(json.dumps(lead(number)) for number in range(IMPORTED)),
        headers={"Content-Type": "application/x-ndjson"},
    )
    assert answer.is_success
    assert '"refused"' not in answer.text


async def post_one(fleet: Fleet, token: str, body: dict) -> UUID:
    """A lead of the other tenant, one at a time."""
    async with client(fleet.urls["intake"], token) as api:
        answer = await api.post("/v1/leads", json=body)
    assert answer.status_code == 201, answer.text
    return UUID(answer.json()["lead_id"])


def client(url: str, token: str) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.AsyncClient(base_url=url, timeout=60, headers=headers)
