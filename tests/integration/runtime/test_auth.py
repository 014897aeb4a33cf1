from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Depends

from followup_directory import Principal, create_key, create_tenant, revoke_key
from followup_runtime.app import create_app
from followup_runtime.auth import REVOKED_WITHIN, Authenticator, require
from followup_runtime.databases import Databases
from followup_runtime.metrics import Metrics
from followup_runtime.service import Service


class Machine:
    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


def _router() -> APIRouter:
    router = APIRouter()

    @router.get("/leads")
    async def leads(principal: Annotated[Principal, Depends(require("leads"))]) -> str:
        return str(principal.tenant_id)

    return router


@pytest.fixture
async def own(database_url):
    databases = Databases.open(database_url, api_pool=2, worker_pool=2)
    yield databases
    await databases.close()


@pytest.fixture
async def tenant(own):
    async with own.worker.transaction() as tx:
        return await create_tenant(tx, "acme", "Acme")


@pytest.fixture
async def http(own):
    app = create_app([Service("sample", _router())], own, Metrics())
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://sample") as client:
        yield client


async def key(own, tenant, *scopes):
    async with own.worker.transaction() as tx:
        return await create_key(tx, tenant.id, "k", scopes=scopes)


async def test_a_good_key_with_the_scope_is_let_in(own, tenant, http):
    """The route learns whose request it is."""
    for scopes in (["leads"], ["*"], ["keys", "leads"]):
        made = await key(own, tenant, *scopes)
        answer = await http.get("/leads", headers={"authorization": f"Bearer {made.token}"})
        assert (answer.status_code, answer.json()) == (200, str(tenant.id))


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer  ", "Basic abc", "Bearer not-a-key-at-all", "Bearer \xff"],
)
async def test_without_a_good_key_the_answer_is_401(http, header):
    """With the challenge RFC 6750 asks for, as a problem."""
    headers = {} if header is None else {"authorization": header.encode("latin-1")}
    answer = await http.get("/leads", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_without_the_scope_the_answer_is_403(own, tenant, http):
    """The key is good, and says what it lacks."""
    made = await key(own, tenant, "keys")
    answer = await http.get("/leads", headers={"authorization": f"Bearer {made.token}"})
    assert answer.status_code == 403
    assert "leads" in answer.json()["detail"]


async def test_a_revoked_key_is_refused_within_a_second(own, tenant):
    """What was looked up counts for one second and no longer."""
    machine = Machine()
    authenticator = Authenticator(own.worker, monotonic=machine)
    made = await key(own, tenant, "leads")
    assert await authenticator.principal(made.token) is not None
    async with own.worker.transaction() as tx:
        await revoke_key(tx, tenant.id, made.id)
    machine.now += REVOKED_WITHIN
    assert await authenticator.principal(made.token) is None
    assert REVOKED_WITHIN <= 1.0


async def test_a_new_key_counts_at_once(own, tenant):
    """That a key is not known is never remembered."""
    authenticator = Authenticator(own.worker, monotonic=Machine())
    assert await authenticator.principal("a-key-of-tomorrow") is None
    async with own.worker.transaction() as tx:
        await create_key(tx, tenant.id, "k", token="a-key-of-tomorrow")
    assert await authenticator.principal("a-key-of-tomorrow") is not None


async def test_a_service_with_its_database_is_ready(http):
    """Ready says so with 200."""
    answer = await http.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready"})


async def test_a_database_out_of_reach_is_503():
    """Callers are told to come back, not that it is their fault or ours."""
    nowhere = Databases.open("postgresql://nobody@127.0.0.1:9/none")
    app = create_app([Service("sample", _router())], nowhere, Metrics())
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://sample") as client:
        answer = await client.get("/leads", headers={"authorization": "Bearer some-good-key"})
    await nowhere.close()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
