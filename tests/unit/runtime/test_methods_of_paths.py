import httpx
import pytest
from fastapi import APIRouter

from followup_runtime.app import create_app
from followup_runtime.databases import Databases
from followup_runtime.metrics import Metrics
from followup_runtime.service import Service


@pytest.fixture
async def http():
    router = APIRouter()

    @router.post("/leads/batch")
    async def batch() -> str:
        return "batch"

    @router.get("/leads/{lead_id}")
    async def lead(lead_id: int) -> int:
        return lead_id

    @router.delete("/leads/{lead_id}")
    async def forget(lead_id: int) -> int:
        return lead_id

    databases = Databases.open("postgresql://nobody@127.0.0.1:9/none")
    app = create_app([Service("sample", router)], databases, Metrics())
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://sample") as client:
        yield client
    await databases.close()


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/leads/7", "DELETE, GET"),
        ("OPTIONS", "/leads/7", "DELETE, GET"),
        ("GET", "/leads/batch", "POST"),
        ("DELETE", "/leads/batch", "POST"),
    ],
)
async def test_a_method_that_a_path_has_not_is_told_those_it_has(http, method, path, allowed):
    """All of them, over all routes of the path; and a path without ids is nobody's id."""
    answer = await http.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_what_a_path_has_is_served(http):
    """As before."""
    assert (await http.post("/leads/batch")).json() == "batch"
    assert (await http.get("/leads/7")).json() == 7
    assert (await http.get("/leads/seven")).status_code == 422
