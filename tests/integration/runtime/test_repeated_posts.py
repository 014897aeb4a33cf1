import asyncio
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Depends, Response
from sqlalchemy import text

from followup_database import new_id
from followup_directory import (
    Principal,
    create_key,
    create_tenant,
    set_tenant_settings,
    tenants_by_id,
)
from followup_directory.answers import LEASE, forget_answers
from followup_runtime.app import create_app
from followup_runtime.auth import require
from followup_runtime.databases import Databases
from followup_runtime.metrics import Metrics
from followup_runtime.problems import Problem
from followup_runtime.service import Service

Writer = Annotated[Principal, Depends(require("leads:write"))]
_AGED = text("UPDATE directory.answers SET asked_at = asked_at - make_interval(secs => :by)")


class Works:
    """Routes that count how often they did something."""

    def __init__(self, databases: Databases) -> None:
        self.databases = databases
        self.done: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.entered = asyncio.Event()
        self.router = APIRouter()
        self.router.add_api_route("/things", self.make, methods=["POST"], status_code=201)
        self.router.add_api_route("/refusing", self.refuse, methods=["POST"])
        self.router.add_api_route("/failing", self.fail, methods=["POST"])
        self.router.add_api_route("/keeping", self.keep, methods=["POST"], status_code=201)
        self.router.add_api_route("/reading", self.read, methods=["POST"], status_code=201)
        self.router.add_api_route("/own/{part}", self.make, methods=["POST"])

    async def make(self, body: dict[str, str], who: Writer, response: Response) -> dict[str, str]:
        self.done.append(body["name"])
        self.entered.set()
        await self.gate.wait()
        response.headers["Location"] = f"/things/{len(self.done)}"
        return {"id": str(new_id()), "secret": f"{body['name']} of {who.tenant_id}"}

    async def refuse(self, who: Writer) -> None:
        self.done.append(str(who.key_id))
        raise Problem(409, detail="not now")

    async def keep(self, body: dict[str, str], who: Writer) -> dict[str, str]:
        """Commits something, and fails after it where that is asked for."""
        async with self.databases.api.transaction(tenant=who.tenant_id) as tx:
            await set_tenant_settings(tx, who.tenant_id, {"business_name": body["name"]})
        self.done.append(body["name"])
        self.entered.set()
        await self.gate.wait()
        if body["name"] == "failing":
            raise RuntimeError
        return body

    async def read(self, body: dict[str, str], who: Writer) -> dict[str, str]:
        """Looks, and commits nothing."""
        async with self.databases.api.transaction(tenant=who.tenant_id) as tx:
            await tenants_by_id(tx, [who.tenant_id])
        self.done.append(body["name"])
        self.entered.set()
        await self.gate.wait()
        return body

    async def fail(self, who: Writer) -> None:
        self.done.append(str(who.key_id))
        raise RuntimeError


class Shop:
    def __init__(self, client: httpx.AsyncClient, works: Works, databases: Databases) -> None:
        self.client, self.works, self.databases = client, works, databases
        self.tokens: list[str] = []

    async def post(self, path: str, key: str, name: str = "a", *, token: int = 0):
        headers = {"Authorization": f"Bearer {self.tokens[token]}", "Idempotency-Key": key}
        return await self.client.post(path, json={"name": name}, headers=headers)


@pytest.fixture
async def shop(databases):
    works = Works(databases)
    service = Service("sample", works.router, own_repeats=("/own/{part}",))
    app = create_app([service], databases, Metrics())
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
        shop = Shop(client, works, databases)
        async with databases.worker.transaction() as tx:
            for slug in ("one", "two"):
                tenant = await create_tenant(tx, slug, slug)
                shop.tokens.append((await create_key(tx, tenant.id, "k")).token)
            shop.tokens.append((await create_key(tx, tenant.id, "reader", scopes=["read"])).token)
            limited = await create_key(tx, tenant.id, "limited", per_minute=1000)
            shop.tokens.append(limited.token)
        yield shop


async def test_what_is_sent_twice_is_done_once_and_answered_twice(shop):
    """The second answer is the first one's, to the byte, and says that it is."""
    first = await shop.post("/things", "k")
    again = await shop.post("/things", "k")
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert first.headers["location"] == again.headers["location"] == "/things/1"
    assert again.headers["content-type"] == "application/json"
    assert ("idempotent-replayed" in first.headers, again.headers["idempotent-replayed"]) == (
        False,
        "true",
    )
    assert shop.works.done == ["a"]
    assert (await shop.post("/things", "l")).content != first.content


async def test_a_key_stands_for_one_request_of_one_api_key(shop):
    """Another body or path is refused; another tenant's request is its own."""
    first = await shop.post("/things", "k")
    for path, name in (("/things", "b"), ("/things?x=1", "a"), ("/refusing", "a")):
        refused = await shop.post(path, "k", name)
        assert (refused.status_code, refused.json()["title"]) == (422, "Key reused")
        assert refused.json()["errors"][0]["pointer"] == "Idempotency-Key:"
    theirs = await shop.post("/things", "k", token=1)
    assert theirs.status_code == 201
    assert theirs.json()["secret"] != first.json()["secret"]
    assert (await shop.post("/things", "k")).content == first.content


async def test_of_two_at_once_one_is_carried_out(shop):
    """The other is told to wait, and has the answer when it asks again."""
    shop.works.gate.clear()
    first = asyncio.create_task(shop.post("/things", "k"))
    await shop.works.entered.wait()
    early = await shop.post("/things", "k")
    assert (early.status_code, early.json()["title"]) == (409, "Under way")
    shop.works.gate.set()
    done = await first
    assert (await shop.post("/things", "k")).content == done.content
    assert shop.works.done == ["a"]


@pytest.mark.parametrize(("path", "status"), [("/refusing", 409), ("/failing", 500)])
async def test_what_came_to_nothing_may_be_asked_again(shop, path, status):
    """A key is used up by success alone."""
    assert [(await shop.post(path, "k")).status_code for _ in range(2)] == [status] * 2
    assert len(shop.works.done) == 2


async def test_what_a_process_left_behind_is_taken_over(shop):
    """Not before its lease has ended, and by the same request alone."""
    shop.works.gate.clear()
    lost = asyncio.create_task(shop.post("/things", "k"))
    await shop.works.entered.wait()
    lost.cancel()
    with pytest.raises(asyncio.CancelledError):
        await lost
    shop.works.gate.set()
    assert (await shop.post("/things", "k")).status_code == 409
    async with shop.databases.worker.transaction() as tx:
        await tx.run(_AGED, by=LEASE + 1)
    assert (await shop.post("/things", "k", "b")).status_code == 422
    assert (await shop.post("/things", "k")).status_code == 201
    assert shop.works.done == ["a", "a"]


async def _lost(shop, path: str, *, token: int = 0) -> None:
    """A request whose process goes before it answers, more than a lease ago."""
    shop.works.gate.clear()
    shop.works.entered.clear()
    lost = asyncio.create_task(shop.post(path, "k", token=token))
    await shop.works.entered.wait()
    lost.cancel()
    with pytest.raises(asyncio.CancelledError):
        await lost
    shop.works.gate.set()
    assert (await shop.post(path, "k", token=token)).json()["title"] == "Under way"
    async with shop.databases.worker.transaction() as tx:
        await tx.run(_AGED, by=LEASE + 1)


async def test_what_was_committed_by_a_process_that_died_is_not_done_again(shop):
    """Whether it was stands in the same transaction; whoever asks again is told to look."""
    await _lost(shop, "/keeping")
    for _ in range(2):
        again = await shop.post("/keeping", "k")
        assert (again.status_code, again.json()["title"]) == (409, "Answer lost")
    assert shop.works.done == ["a"]
    assert (await shop.post("/keeping", "k", "b")).status_code == 422
    assert (await shop.post("/keeping", "l")).status_code == 201


@pytest.mark.parametrize("token", [0, 3], ids=["any key", "a limited key"])
async def test_what_only_looked_before_its_process_died_is_carried_out(shop, token):
    """Nothing was done: neither reading nor being counted is anything."""
    await _lost(shop, "/reading", token=token)
    assert (await shop.post("/reading", "k", token=token)).status_code == 201
    assert shop.works.done == ["a", "a"]


async def test_what_fails_behind_its_commit_is_not_done_again(shop):
    """The next one is told at once that something was done."""
    assert (await shop.post("/keeping", "k", "failing")).status_code == 500
    again = await shop.post("/keeping", "k", "failing")
    assert (again.status_code, again.json()["title"]) == (409, "Answer lost")
    assert shop.works.done == ["failing"]


async def test_an_answer_is_sealed_and_goes_with_its_time(shop):
    """Nobody reads it in the database, and after two days it is gone."""
    await shop.post("/things", "k", "a word of theirs")
    async with shop.databases.worker.transaction() as tx:
        (row,) = await tx.all(
            text("SELECT to_jsonb(a)::text AS t, sealed FROM directory.answers a")
        )
        assert "word of theirs" not in row["t"]
        assert b"word of theirs" not in bytes(row["sealed"])
        assert await forget_answers(tx) == 0
        await tx.run(_AGED, by=48 * 3600 + 1)
        assert await forget_answers(tx) == 1


async def test_who_may_not_ask_uses_no_key_up(shop):
    """A key without the scope is refused each time, and an unknown one is 401."""
    assert [(await shop.post("/things", "k", token=2)).status_code for _ in range(2)] == [403] * 2
    shop.tokens.append("nobody-knows-this-key")
    assert (await shop.post("/things", "k", token=4)).status_code == 401
    assert shop.works.done == []


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
async def test_a_key_that_is_none_is_pointed_at(shop, key):
    """422, before anything is done."""
    refused = await shop.post("/things", key)
    assert (refused.status_code, refused.json()["title"]) == (422, "Invalid key")
    assert shop.works.done == []


async def test_a_route_that_sees_to_keys_itself_is_left_alone(shop):
    """It hears of every request."""
    for _ in range(2):
        assert (await shop.post("/own/7", "k")).status_code == 200
    assert shop.works.done == ["a", "a"]
