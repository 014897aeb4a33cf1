"""The stand-in's server: plain HTTP on a socket of its own, faults as scripted."""

import asyncio
import json
from collections import deque
from contextlib import suppress
from dataclasses import replace
from types import TracebackType
from typing import Self

from aiohttp import web

from followup_testkit.twilio.faults import (
    Accept,
    CutAfter,
    CutBefore,
    Garbled,
    HalfBody,
    ServerError,
    Silence,
    TooMany,
)
from followup_testkit.vendors.speaking import Asked, Dialect, Kept, Say, Told

Fault = Accept | TooMany | ServerError | CutBefore | CutAfter | HalfBody | Garbled | Silence | Say


class VendorStub:
    """Plays one vendor: messages are accepted unless `script` holds a fault for the next.

    `asked` is every message that came with good credentials, `held` what was accepted:
    by attempt. `searches` counts look-ups.
    """

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.script: deque[Fault] = deque()
        self.asked: list[Asked] = []
        self.held: dict[str, Kept] = {}
        self.searches = 0
        self.base_url = ""
        self._released = asyncio.Event()
        self._runner: web.ServerRunner | None = None

    async def __aenter__(self) -> Self:
        self._runner = web.ServerRunner(web.Server(self._handle), shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._released.set()
        assert self._runner is not None
        await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        asked = Asked(
            request.method,
            request.path,
            dict(request.query),
            {name.lower(): value for name, value in request.headers.items()},
            await request.read(),
        )
        if not self.dialect.takes(asked):
            return self._look_up(asked)
        if not self.dialect.proven(asked):
            return _spoken(self.dialect.unproven)
        self.asked.append(asked)
        fault = self.script.popleft() if self.script else Accept()
        told = self._accepted(asked) if fault.accepted else Told(500, {"message": "went wrong"})
        return await self._answer(request, fault, told)

    def _look_up(self, asked: Asked) -> web.Response:
        told = self.dialect.record(asked, self.held)
        if told is None:
            return _spoken(Told(404, {"message": "there is nothing here"}))
        self.searches += 1
        return _spoken(told)

    def _accepted(self, asked: Asked) -> Told:
        ref = f"ref-{len(self.held) + 1}"
        self.held[self.dialect.attempt(asked) or ref] = Kept(ref, asked)
        return self.dialect.took(asked, ref)

    async def _answer(
        self, request: web.BaseRequest, fault: Fault, told: Told
    ) -> web.StreamResponse:
        match fault:
            case HalfBody():
                return await self._half(request, told)
            case Silence(seconds=seconds):
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._released.wait(), seconds)
                return _cut(request)
            case CutBefore() | CutAfter():
                return _cut(request)
            case Garbled():
                return web.Response(body=b"<html>It works!</html>", status=told.status)
            case _:
                return _spoken(self._said(fault, told))

    def _said(self, fault: Fault, told: Told) -> Told:
        match fault:
            case Say(what):
                return self.dialect.refusals[what]
            case TooMany(retry_after):
                after = {} if retry_after is None else {"Retry-After": str(retry_after)}
                return replace(self.dialect.refusals["crowded"], headers=after)
            case ServerError(status=status):
                return Told(status, {"message": "went wrong"})
            case _:
                return told

    async def _half(self, request: web.BaseRequest, told: Told) -> web.StreamResponse:
        body = json.dumps(told.body or {"message": "accepted"}).encode()
        response = web.StreamResponse(status=told.status)
        response.content_length = len(body)
        await response.prepare(request)
        await response.write(body[: len(body) // 2])
        return _cut(request, response)


def _spoken(told: Told) -> web.Response:
    if told.body is None:
        return web.Response(status=told.status, headers=told.headers)
    return web.json_response(told.body, status=told.status, headers=told.headers)


def _cut(
    request: web.BaseRequest, response: web.StreamResponse | None = None
) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return response or web.Response()
