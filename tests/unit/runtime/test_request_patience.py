"""How long a request may take, and what every answer has."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import StreamingResponse
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from followup_runtime.app import create_app
from followup_runtime.databases import Databases
from followup_runtime.limits import DEFAULT_BYTES
from followup_runtime.metrics import Metrics
from followup_runtime.patience import TimeLimit
from followup_runtime.problems import Problem
from followup_runtime.service import Service
from followup_testkit.waiting import until

NOWHERE = "postgresql://nobody@127.0.0.1:9/none"
SOON = 0.02
FAR = 3600.0


async def never() -> Any:
    """What hangs."""
    await asyncio.Event().wait()


async def asked(
    app: Any, *, parts: list[dict[str, Any]], limit: float = SOON, silence: float = FAR
) -> list[str]:
    """Have an app under a time limit serve a request; the types of what it sent."""
    sent: list[str] = []

    async def receive() -> Any:
        return parts.pop(0) if parts else await never()

    async def send(message: Any) -> None:
        sent.append(message["type"])

    limited = TimeLimit(app, overrides={"/file": limit}, silence=silence)
    await limited({"type": "http", "path": "/file/1"}, receive, send)
    return sent


async def test_a_route_that_hangs_is_ended() -> None:
    """503 with when to come again, and the route is cancelled."""
    ended = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        del scope, send
        await receive()
        try:
            await never()
        finally:
            ended.append(True)

    with pytest.raises(Problem) as told:
        await asked(app, parts=[{"type": "http.request", "body": b"{}"}])
    assert told.value.status_code == 503
    assert told.value.headers == {"Retry-After": "5"}
    assert ended == [True]


@pytest.mark.parametrize(("limit", "silence"), [(SOON, FAR), (FAR, SOON)])
async def test_a_body_that_stops_coming_is_not_waited_for(limit, silence) -> None:
    """408, be it that the whole takes too long or that one pause is too long."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        del scope, send
        while True:
            await receive()

    begun = [{"type": "http.request", "body": b"{", "more_body": True}]
    with pytest.raises(Problem) as told:
        await asked(app, parts=begun, limit=limit, silence=silence)
    assert told.value.status_code == 408


async def test_an_answer_that_has_begun_may_take_its_time() -> None:
    """A stream of answers is not cut off while it goes on."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        del scope, receive
        loop = asyncio.get_running_loop()
        began = loop.time()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await until(lambda: loop.time() > began + 2 * SOON)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    assert await asked(app, parts=[]) == ["http.response.start", "http.response.body"]


def _router() -> APIRouter:
    router = APIRouter()

    @router.post("/file")
    async def file(request: Request) -> int:
        return len(await request.body())

    @router.get("/lines")
    async def lines() -> StreamingResponse:
        async def made() -> AsyncIterator[str]:
            yield "line"

        return StreamingResponse(made(), headers={"Cache-Control": "private"})

    @router.get("/broken")
    async def broken() -> None:
        raise RuntimeError

    return router


@pytest.fixture
async def app() -> AsyncIterator[FastAPI]:
    databases = Databases.open(NOWHERE)
    service = Service("sample", _router(), body_limits={"/file": 3 * DEFAULT_BYTES})
    yield create_app([service], databases, Metrics())
    await databases.close()


def client(app: FastAPI) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://sample")


async def test_every_answer_has_an_id_and_tells_browsers_to_keep_out(app) -> None:
    """Whether it is a route's, an error's or nobody's; what a route says itself stays."""
    async with client(app) as http:
        answers = [await http.get(path) for path in ("/lines", "/broken", "/nowhere")]
    assert [answer.status_code for answer in answers] == [200, 500, 404]
    assert len({answer.headers["x-request-id"] for answer in answers}) == 3
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    caching = [answer.headers["cache-control"] for answer in answers]
    assert caching == ["private", "no-store", "no-store"]


async def test_a_request_is_found_in_the_log_by_the_id_its_caller_gave(app) -> None:
    """An id that is none, too long or not plain, is not taken over."""
    async with client(app) as http:
        with capture_logs([merge_contextvars]) as logged:
            given = await http.get("/broken", headers={"X-Request-Id": "order-17/3"})
        other = await http.get("/lines", headers={"X-Request-Id": "a b"})
        long = await http.get("/lines", headers={"X-Request-Id": "a" * 129})
    assert given.headers["x-request-id"] == "order-17/3"
    lines = [(line["event"], line["request_id"]) for line in logged]
    assert lines == [("http.failed", "order-17/3")]
    assert len(other.headers["x-request-id"]) == len(long.headers["x-request-id"]) == 32


async def test_limits_are_the_same_under_the_prefix_of_another_application(app) -> None:
    """A mounted app takes as large a file as one of its own."""
    around = FastAPI()
    around.mount("/followup", app)
    body = b"x" * (2 * DEFAULT_BYTES)
    async with client(around) as http:
        answer = await http.post("/followup/file", content=body)
        assert (answer.status_code, answer.json()) == (200, len(body))
        assert (await http.post("/followup/other", content=body)).status_code == 413
