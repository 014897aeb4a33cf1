"""The stand-in's server: HTTP as the vendor speaks it, faults as scripted."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Self, cast
from urllib.parse import parse_qs

import aiohttp
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from followup_testkit.twilio.faults import (
    Accept,
    CutAfter,
    CutBefore,
    Fault,
    Garbled,
    HalfBody,
    Refuse,
    ServerError,
    Silence,
    TooMany,
)
from followup_testkit.twilio.ledger import Kind, Ledger, Request, resource
from followup_testkit.waiting import until

_PAGE = 50
_DATES = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ")


class StubProvider:
    """Speaks POST and GET of Messages.json and Calls.json under one account.

    Requests are accepted unless `script` or `rule` says otherwise: `script` holds faults
    for the next POSTs, in order; `rule` is asked about every other one and may answer
    None. `ledger` shows what came and what was accepted; `on_accepted` is told of each
    acceptance before the answer.
    """

    def __init__(
        self,
        *,
        account_sid: str = "AC" + "0" * 32,
        auth_token: str = "stub-token",  # noqa: S107 - opens nothing
        port: int = 0,
    ) -> None:
        self.account_sid = account_sid
        self.auth_token = auth_token
        self.ledger = Ledger()
        self.script: deque[Fault] = deque()
        self.rule: Callable[[Request], Fault | None] = lambda _request: None
        self.on_accepted: Callable[[Request], None] = lambda _request: None
        self.base_url = ""
        self.searches = 0
        self._port = port
        self._released = asyncio.Event()
        self._runner: web.ServerRunner | None = None

    async def __aenter__(self) -> Self:
        runner = web.ServerRunner(_StampingServer(self._handle), shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self._port).start()
        self._runner = runner
        self.base_url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
        assert self._runner is not None
        await self._runner.cleanup()

    def release(self) -> None:
        """Answer those that `Silence` holds, and hold none from here on."""
        self._released.set()

    async def requests(self, count: int, *, within: float = 60.0) -> list[Request]:
        """The POSTs so far, once there are so many."""
        await until(
            lambda: len(self.ledger.requests) >= count, within=within, what=f"{count} requests"
        )
        return list(self.ledger.requests)

    async def call_back(self, request: Request, status: str, **fields: str) -> int:
        """Report a state to the request's StatusCallback, signed; the HTTP status of the answer."""
        assert request.callback_url is not None
        request.status = status
        form = callback_form(request, status, self.account_sid) | fields
        headers = {"X-Twilio-Signature": sign(self.auth_token, request.callback_url, form)}
        async with (
            aiohttp.ClientSession() as session,
            session.post(request.callback_url, data=form, headers=headers) as answer,
        ):
            return answer.status

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        protocol = cast("_StampingProtocol", request.protocol)
        try:
            return await self._route(request, protocol)
        finally:
            protocol.stamp = None

    async def _route(
        self, request: web.BaseRequest, protocol: "_StampingProtocol"
    ) -> web.StreamResponse:
        kind = self._kind(request.path)
        if kind is None:
            return _error(404, 20404, "The requested resource was not found")
        if not self._known(request):
            return _error(401, 20003, "Authenticate")
        if request.method == "GET":
            self.searches += 1
            return self._list(kind, request)
        if request.method != "POST":
            return _error(405, 20004, "Method not allowed")
        arrived = protocol.stamp or (datetime.now(UTC), time.monotonic())
        form = parse_qs((await request.read()).decode(), keep_blank_values=True)
        asked = Request(kind, form, *arrived, peer_port=_peer_port(request))
        self.ledger.requests.append(asked)
        fault = self.script.popleft() if self.script else (self.rule(asked) or Accept())
        asked.fault = fault
        answer = await self._answer(request, asked, fault)
        asked.hung_up = request.transport is None or request.transport.is_closing()
        asked.answered = datetime.now(UTC)
        return answer

    async def _answer(
        self, request: web.BaseRequest, asked: Request, fault: Fault
    ) -> web.StreamResponse:
        if fault.accepted:
            self.on_accepted(self.ledger.accept(asked))
        match fault:
            case Refuse() | TooMany() | ServerError():
                return _complaint(fault)
            case HalfBody():
                return await self._half(request, asked)
            case Garbled():
                return web.Response(body=b"<html>It works!</html>", status=201)
            case Accept(after):
                await asyncio.sleep(after)
            case Silence(seconds=seconds):
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._released.wait(), seconds)
            case CutBefore() | CutAfter():
                pass
        told = asked.sid is not None and isinstance(fault, Accept | Silence)
        return self._created(asked) if told else _cut(request)

    def _created(self, asked: Request) -> web.Response:
        return web.json_response(resource(asked, self.account_sid), status=201)

    async def _half(self, request: web.BaseRequest, asked: Request) -> web.StreamResponse:
        body = json.dumps(resource(asked, self.account_sid)).encode()
        response = web.StreamResponse(status=201, headers={"Content-Type": "application/json"})
        response.content_length = len(body)
        await response.prepare(request)
        await response.write(body[: len(body) // 2])
        return _cut(request, response)

    def _list(self, kind: Kind, request: web.BaseRequest) -> web.Response:
        query = request.query
        size = min(int(query.get("PageSize", _PAGE)), 1000)
        page = int(query.get("Page", 0))
        found = self.ledger.find(
            kind, to=query.get("To"), sender=query.get("From"), since=_since(query)
        )
        shown = found[page * size : (page + 1) * size]
        more = len(found) > (page + 1) * size
        following = f"{request.path}?PageSize={size}&Page={page + 1}"
        for name in ("To", "From"):
            if name in query:
                following += f"&{name}={query[name].replace('+', '%2B')}"
        return web.json_response(
            {
                kind.lower(): [resource(each, self.account_sid) for each in shown],
                "page": page,
                "page_size": size,
                "uri": request.path_qs,
                "next_page_uri": following if more else None,
            }
        )

    def _kind(self, path: str) -> Kind | None:
        prefix = f"/2010-04-01/Accounts/{self.account_sid}/"
        kinds: dict[str, Kind] = {"Messages.json": "Messages", "Calls.json": "Calls"}
        return kinds.get(path.removeprefix(prefix)) if path.startswith(prefix) else None

    def _known(self, request: web.BaseRequest) -> bool:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        try:
            _, _, password = base64.b64decode(given, validate=True).decode().partition(":")
        except ValueError:
            return False
        return scheme == "Basic" and hmac.compare_digest(password, self.auth_token)


def callback_form(request: Request, status: str, account_sid: str) -> dict[str, str]:
    """The fields of a status callback, as the vendor sends them."""
    shared = {
        "AccountSid": account_sid,
        "From": request.field("From") or "",
        "To": request.to or "",
        "ApiVersion": "2010-04-01",
    }
    sid = request.sid or ""
    if request.kind == "Calls":
        return shared | {"CallSid": sid, "CallStatus": status, "Direction": "outbound-api"}
    return shared | {
        "MessageSid": sid,
        "MessageStatus": status,
        "SmsSid": sid,
        "SmsStatus": status,
    }


def sign(auth_token: str, url: str, form: Mapping[str, str]) -> str:
    """X-Twilio-Signature (twilio.com/docs/usage/security): the URL and the sorted fields."""
    text = url + "".join(name + form[name] for name in sorted(form))
    digest = hmac.new(auth_token.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def _since(query: Mapping[str, str]) -> datetime | None:
    for name in ("DateSent>", "StartTime>", "DateSent>=", "StartTime>="):
        for form in _DATES:
            try:
                return datetime.strptime(query.get(name, ""), form).replace(tzinfo=UTC)
            except ValueError:
                continue
    return None


def _complaint(fault: Refuse | TooMany | ServerError) -> web.Response:
    match fault:
        case Refuse(code, status, message):
            return _error(status, code, message)
        case TooMany(retry_after):
            headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
            return _error(429, 20429, "Too Many Requests", headers)
        case ServerError(status=status):
            return _error(status, 20500, "Internal Server Error")


def _error(
    status: int, code: int, message: str, headers: Mapping[str, str] | None = None
) -> web.Response:
    more = f"https://www.twilio.com/docs/errors/{code}"
    body = {"code": code, "message": message, "more_info": more, "status": status}
    return web.json_response(body, status=status, headers=headers)


def _peer_port(request: web.BaseRequest) -> int | None:
    peer = None if request.transport is None else request.transport.get_extra_info("peername")
    return None if peer is None else int(peer[1])


def _cut(
    request: web.BaseRequest, response: web.StreamResponse | None = None
) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return response or web.Response()


class _StampingProtocol(RequestHandler):
    """Notes when the first byte of a request arrives, before anything is parsed."""

    stamp: tuple[datetime, float] | None = None

    def data_received(self, data: bytes) -> None:
        if self.stamp is None:
            self.stamp = (datetime.now(UTC), time.monotonic())
        super().data_received(data)


class _StampingServer(web.Server):
    """Serves every connection by the stamping protocol."""

    def __call__(self) -> RequestHandler:
        return _StampingProtocol(self, loop=self._loop, **self._kwargs)
