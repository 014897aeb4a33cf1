import json
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict
from structlog.testing import capture_logs

from followup_runtime.app import create_app
from followup_runtime.databases import Databases
from followup_runtime.metrics import Metrics
from followup_runtime.problems import Problem
from followup_runtime.service import Service

NOWHERE = "postgresql://nobody@127.0.0.1:9/none"
JSON = {"content-type": "application/json"}


class Lead(BaseModel):
    model_config = ConfigDict(extra="forbid")

    phone: str
    tags: list[int] = []


class Batch(BaseModel):
    model_config = ConfigDict(extra="forbid")

    leads: list[Lead]


def _router() -> APIRouter:
    router = APIRouter()

    @router.post("/lead")
    async def lead(lead: Lead) -> Lead:
        return lead

    @router.post("/batch")
    async def batch(batch: Batch) -> int:
        return len(batch.leads)

    @router.get("/page")
    async def page(limit: Annotated[int, Query(le=100)] = 10) -> int:
        return limit

    @router.get("/number/{number}")
    async def number(number: int) -> int:
        return number

    @router.post("/raw")
    async def raw(request: Request) -> int:
        return len(await request.body())

    @router.get("/broken")
    async def broken() -> None:
        raise RuntimeError("wrote to pat@example.com")

    @router.get("/refused")
    async def refused() -> None:
        raise Problem(409, "Taken", "this slug is taken", pointer="/slug", type="urn:taken")

    return router


@pytest.fixture
async def http():
    databases = Databases.open(NOWHERE)
    service = Service("sample", _router(), body_limits={"/raw/big": 100, "/raw": 50})
    app = create_app([service], databases, Metrics())
    transport = httpx.ASGITransport(app, raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://sample") as client:
        yield client
    await databases.close()


def _problem(answer: httpx.Response, status: int) -> dict:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["title"]
    return body


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("/lead", {}, "/phone"),
        ("/lead", {"phone": 5}, "/phone"),
        ("/lead", {"phone": "x", "fax~/": 1}, "/fax~0~1"),
        ("/lead", {"phone": "x", "tags": [1, "b"]}, "/tags/1"),
        ("/batch", {"leads": [{"phone": "x"}, {"phone": None}]}, "/leads/1/phone"),
        ("/batch", [], ""),
    ],
)
async def test_a_wrong_field_is_pointed_at(http, path, body, pointer):
    """422 names the place by a JSON pointer and never repeats what was sent."""
    problem = _problem(await http.post(path, json=body), 422)
    assert pointer in [error["pointer"] for error in problem["errors"]]
    assert all(error["detail"] for error in problem["errors"])


@pytest.mark.parametrize(
    ("path", "pointer"),
    [("/page?limit=many", "?limit"), ("/page?limit=1000", "?limit"), ("/number/x", "{number}")],
)
async def test_a_wrong_parameter_is_pointed_at(http, path, pointer):
    """Query parameters and parts of the path have pointers of their own."""
    problem = _problem(await http.get(path), 422)
    assert [error["pointer"] for error in problem["errors"]] == [pointer]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"phone": NaN}',
        b'{"phone": "\xff"}',
        b'{"phone": "\\ud800"}',
        b'{"phone": "a\\u0000b"}',
        b"[" * 100_000,
    ],
)
async def test_malformed_json_is_a_bad_request(http, body):
    """No syntax error, bad UTF-8, NUL, lone surrogate or depth reaches a route."""
    _problem(await http.post("/lead", content=body, headers=JSON), 400)


async def test_a_nul_is_pointed_at(http):
    """PostgreSQL can't store it, so the caller learns where it is."""
    body = {"phone": "x", "a/b": ["", "\0"]}
    problem = _problem(await http.post("/lead", content=json.dumps(body), headers=JSON), 400)
    assert problem["errors"][0]["pointer"] == "/a~1b/1"


async def test_a_backslash_before_u0000_is_no_nul(http):
    """Text that spells the escape is only text."""
    body = json.dumps({"phone": "\\u0000"})
    assert (await http.post("/lead", content=body, headers=JSON)).status_code == 200


@pytest.mark.parametrize("path", ["/page?limit=%00", "/number/%00"])
async def test_a_nul_in_the_address_is_a_bad_request(http, path):
    """It can't be meant, and no statement could hold it."""
    _problem(await http.get(path), 400)


async def test_another_media_type_is_unsupported(http):
    """A body that is not declared JSON is 415 where JSON is read."""
    answer = await http.post("/lead", content=b"phone=1", headers={"content-type": "text/csv"})
    _problem(answer, 415)


async def test_unknown_routes_and_methods_are_problems_too(http):
    """404 and 405 have the same form as every error."""
    _problem(await http.get("/nowhere"), 404)
    answer = await http.delete("/lead")
    _problem(answer, 405)
    assert answer.headers["allow"] == "POST"


async def _chunks(size: int):
    for _ in range(size):
        yield b"x"


@pytest.mark.parametrize("path", ["/lead", "/batch"])
async def test_a_declared_length_over_the_limit_is_refused(http, path):
    """Nothing of the body is read then."""
    body = b'"' + b"x" * 1024 * 1024 + b'"'
    _problem(await http.post(path, content=body, headers=JSON), 413)


@pytest.mark.parametrize(("path", "size", "status"), [("/raw", 50, 200), ("/raw", 51, 413)])
async def test_a_chunked_body_is_counted_while_it_is_read(http, path, size, status):
    """Leaving the length out wins nothing."""
    answer = await http.post(path, content=_chunks(size), headers={"content-type": "text/csv"})
    assert answer.status_code == status
    if status == 413:
        _problem(answer, 413)


async def test_the_limit_counts_for_chunked_json_too(http):
    """JSON is read whole before the route, and still no further than its limit."""

    async def endless():
        while True:
            yield b" " * 65536

    _problem(await http.post("/lead", content=endless(), headers=JSON), 413)


async def test_an_unexpected_error_gives_an_id_and_nothing_else(http):
    """The answer tells nothing of the inside; the id is in the log, with the error."""
    with capture_logs() as logs:
        problem = _problem(await http.get("/broken"), 500)
    assert "pat@" not in json.dumps(problem)
    [logged] = [log for log in logs if log["event"] == "http.failed"]
    assert problem["detail"].endswith(logged["error_id"])
    assert isinstance(logged["exc_info"], RuntimeError)


async def test_a_problem_keeps_what_it_was_raised_with(http):
    """Routes raise problems with type, title, detail and pointer."""
    assert _problem(await http.get("/refused"), 409) == {
        "type": "urn:taken",
        "title": "Taken",
        "status": 409,
        "detail": "this slug is taken",
        "errors": [{"pointer": "/slug", "detail": "this slug is taken"}],
    }


async def test_health_says_what_it_waits_for(http):
    """Alive without a database, but not ready."""
    assert (await http.get("/healthz")).json() == {"status": "ok"}
    waiting = await http.get("/readyz")
    assert waiting.status_code == 503
    assert waiting.json()["waiting_for"] == {"database": "not reachable"}


async def test_metrics_name_routes_not_paths(http):
    """A series per template, so that ids make no series."""
    await http.get("/number/12345")
    await http.get("/number/777")
    text = (await http.get("/metrics")).text
    assert 'route="/number/{number}",status="200"' in text
    assert "12345" not in text
