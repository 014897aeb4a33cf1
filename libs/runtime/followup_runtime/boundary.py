"""The outermost layer of an app: trace, time, and an answer to whatever went wrong."""

import re
import time
from uuid import uuid4

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from followup_database.errors import is_conflict, is_outage
from followup_directory import SealBroken
from followup_runtime import telemetry
from followup_runtime.metrics import Metrics
from followup_runtime.paths import route_path
from followup_runtime.problems import Problem

_RETRY_SECONDS = "2"
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}")
DOCS = "/docs"
# What no answer of an API should do in a browser, whatever it says (OWASP, REST Security
# Cheat Sheet). Pages have headers of their own; TLS and its header are the proxy's.
_SECURITY = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Boundary:
    """Carries the caller's trace on, measures each request, answers what nobody caught.

    Every answer has `X-Request-Id`, the caller's own where it sent a sensible one, which
    stands in every line of the log about it, and the headers of `_SECURITY`.
    A database that can't be reached, or a transaction that lost to others, is 503 with
    Retry-After, a sealed secret that does not open 503; anything unexpected is 500 with an
    id that is in the log. Paths are not logged: some carry tokens.
    """

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics
        self._log = structlog.get_logger("followup.http")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = next((v for k, v in scope["headers"] if k == b"traceparent"), b"")
        request_id = _request_id(scope)
        with (
            telemetry.bind(given.decode("latin-1")),
            structlog.contextvars.bound_contextvars(request_id=request_id),
        ):
            await self._serve(scope, receive, send, request_id)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        status = 0
        began = time.perf_counter()

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(scope, message, request_id)
            await send(message)

        try:
            await self.app(scope, receive, noted)
        except Exception as error:  # noqa: BLE001 - the last place that can answer
            problem = self._problem(error)
            if status == 0:
                await problem.response()(scope, receive, noted)
        finally:
            took = time.perf_counter() - began
            labels = (scope["method"], _route(scope), str(status or "aborted"))
            self.metrics.requests.labels(*labels).observe(took)

    def _problem(self, error: Exception) -> Problem:
        if isinstance(error, Problem):
            return error
        if is_outage(error):
            self._log.warning("http.database_unreachable", error=type(error).__name__)
            return Problem(
                503,
                detail="the database can't be reached at the moment",
                headers={"Retry-After": _RETRY_SECONDS},
            )
        if is_conflict(error):
            self._log.warning("http.conflict", error=type(error).__name__)
            return Problem(
                503,
                detail="others were changing the same things all the time; nothing was done",
                headers={"Retry-After": _RETRY_SECONDS},
            )
        if isinstance(error, SealBroken):
            # Ours to mend; most who ask are vendors' machines, and these come again.
            self._log.error("http.secrets_do_not_open")
            return Problem(503, detail="a secret does not open with FOLLOWUP_SECRET_KEYS")
        error_id = str(uuid4())
        self._log.error("http.failed", error_id=error_id, exc_info=error)
        return Problem(500, detail=f"this is our fault; it is logged under {error_id}")


def _request_id(scope: Scope) -> str:
    given = next((v for k, v in scope["headers"] if k == b"x-request-id"), b"")
    return given.decode("ascii") if _REQUEST_ID.fullmatch(given) else uuid4().hex


def _add_headers(scope: Scope, message: Message, request_id: str) -> None:
    headers = MutableHeaders(scope=message)
    headers["X-Request-Id"] = request_id
    for name, value in _SECURITY.items():
        # The page of the API's description loads its scripts from elsewhere.
        if name != "Content-Security-Policy" or route_path(scope) != DOCS:
            headers.setdefault(name, value)


def _route(scope: Scope) -> str:
    # The template, never the path: ids would make as many series as there are leads.
    path = getattr(scope.get("route"), "path_format", None)
    return path if isinstance(path, str) else "unmatched"
