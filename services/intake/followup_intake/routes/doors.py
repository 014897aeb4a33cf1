"""Where lead forms and ad platforms knock: `/v1/sources/{kind}/{token}`, without an API key.

The token in the address says whose leads these are; a vendor proves itself besides by
its signature or key. Who can't is 403, an address nobody knows 404.
"""

import hmac
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from followup_database import Database
from followup_directory import Principal, Vault
from followup_intake.core.vendors import form, google, meta, typeform
from followup_intake.core.vendors.answers import Sent, Test, Unreadable
from followup_intake.fetches import ask_fetches
from followup_intake.shapes import FetchesQueued, FormTaken, SubmissionTaken
from followup_intake.sources import Source, SourceKind, secret_of, source_at
from followup_intake.submitted import Caller, Submission
from followup_runtime.allowances import Allowances
from followup_runtime.callers import caller_address
from followup_runtime.openapi import PROBLEM_CONTENT, also, body, shaped
from followup_runtime.problems import Problem

Token = Annotated[str, Path(min_length=20, max_length=100, pattern="^[A-Za-z0-9_-]+$")]
JSON = "application/json"
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data", JSON)
_NOT_TAKEN = {JSON: {"schema": {"type": "object"}}, **PROBLEM_CONTENT}
EACH_MINUTE = 20
"""Posts of one form a minute and address they come from."""
_MOST_CALLERS = 50_000


class Callers:
    """How often each address has posted in this minute; in this process alone."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._minute = 0
        self._counts: dict[tuple[Any, str], int] = {}

    def allowed(self, source: Any, ip: str) -> bool:
        """Count one more."""
        minute = int(self._monotonic() // 60)
        if minute != self._minute or len(self._counts) >= _MOST_CALLERS:
            self._minute, self._counts = minute, {}
        self._counts[source, ip] = self._counts.get((source, ip), 0) + 1
        return self._counts[source, ip] <= EACH_MINUTE


class Doors:
    """The routes with what they call; `router` is what an app includes."""

    def __init__(self, database: Database, *, vault: Vault, submission: Submission) -> None:
        self._database = database
        self._vault = vault
        self._submission = submission
        self._allowances = Allowances(database)
        self._callers = Callers()
        self.router = APIRouter(tags=["lead sources"])
        add = self.router.add_api_route
        add(
            "/v1/sources/meta/{token}",
            self.meta_handshake,
            methods=["GET"],
            response_class=PlainTextResponse,
            responses=also(403),
        )
        sent = body(JSON, shape="object")
        vendor = partial(add, methods=["POST"], openapi_extra=sent)
        queued = {**shaped(FetchesQueued), **also(403)}
        taken = {**shaped(SubmissionTaken), **also(403)}
        vendor("/v1/sources/meta/{token}", self.meta, responses=queued)
        vendor("/v1/sources/google/{token}", self.google, responses=taken)
        vendor("/v1/sources/typeform/{token}", self.typeform, responses=taken)
        add(
            "/v1/sources/form/{token}",
            self.form_preflight,
            methods=["OPTIONS"],
            status_code=204,
            responses=also(403),
        )
        add(
            "/v1/sources/form/{token}",
            self.form,
            methods=["POST"],
            status_code=201,
            responses={
                **shaped(FormTaken, 201),
                303: {"description": "On to the page that thanks"},
                422: {"description": "Nobody can be reached", "content": _NOT_TAKEN},
                **also(403, 429),
            },
            openapi_extra=body(*FORMS, shape="object"),
        )

    async def meta_handshake(
        self,
        token: Token,
        mode: Annotated[str, Query(alias="hub.mode", max_length=50)],
        challenge: Annotated[str, Query(alias="hub.challenge", max_length=500)],
        verify: Annotated[str, Query(alias="hub.verify_token", max_length=1000)],
    ) -> PlainTextResponse:
        """Meta's question when a webhook is subscribed: its challenge, if it knows the token."""
        source = await self._source("meta", token)
        known = secret_of(source, self._vault, "verify_token")
        if mode != "subscribe" or not hmac.compare_digest(known, verify.encode()):
            raise Problem(403, detail="the verify token is another", pointer="?hub.verify_token")
        return PlainTextResponse(challenge)

    async def meta(self, token: Token, request: Request) -> dict[str, int]:
        """Meta tells of leads; they are fetched from its Graph API from now on."""
        source = await self._source("meta", token)
        body = await request.body()
        secret = secret_of(source, self._vault, "app_secret")
        _proven(request, "X-Hub-Signature-256", hmac.new(secret, body, "sha256").hexdigest())
        ids = meta.lead_ids(_json(body))
        async with self._database.transaction() as tx:
            return {"queued": await ask_fetches(tx, source, ids) if ids else 0}

    async def google(self, token: Token, request: Request) -> dict[str, Any]:
        """A lead of a Google Ads lead form."""
        source = await self._source("google", token)
        body = _json(await request.body())
        known = secret_of(source, self._vault, "google_key")
        if not hmac.compare_digest(known, str(body.get("google_key", "")).encode()):
            raise Problem(403, detail="the google_key is another", pointer="/google_key")
        return await self._take(source, google.read_lead(body, source.rules()))

    async def typeform(self, token: Token, request: Request) -> dict[str, Any]:
        """An answered Typeform."""
        source = await self._source("typeform", token)
        body = await request.body()
        secret = secret_of(source, self._vault, "secret")
        mac = b64encode(hmac.digest(secret, body, "sha256")).decode()
        _proven(request, "Typeform-Signature", mac)
        return await self._take(source, typeform.read_lead(_json(body), source.rules()))

    async def form_preflight(self, token: Token, request: Request) -> Response:
        """What a browser asks before a script posts (CORS)."""
        source = await self._source("form", token)
        headers = _cors(source, request.headers.get("origin"))
        more = {
            "Access-Control-Allow-Methods": "POST",
            "Access-Control-Allow-Headers": "content-type",
            "Access-Control-Max-Age": "3600",
        }
        return Response(status_code=204, headers={**headers, **(more if headers else {})})

    async def form(self, token: Token, request: Request) -> Response:
        """A form posted by a browser, urlencoded or multipart, or by a script as JSON.

        A browser without a script goes on to the source's `thanks_url`. Where the field
        nobody sees is filled in, the answer is the same and nothing is kept.
        """
        source = await self._source("form", token)
        headers = _cors(source, request.headers.get("origin"))
        caller = _caller(request)
        await self._limited(source, caller.ip or "")
        sent = form.read_body(request.headers.get("content-type", ""), await request.body())
        if isinstance(sent, Unreadable):
            raise Problem(415, detail=sent.why, pointer="Content-Type:", headers=headers)
        read = form.read_lead(sent, source.rules(), honeypot=source.config.honeypot)
        taken = await self._take(source, read, caller)
        asks_page = "text/html" in request.headers.get("accept", "")
        if asks_page and source.config.thanks_url:
            return RedirectResponse(source.config.thanks_url, 303)
        answer = {"accepted": taken["accepted"]}
        return JSONResponse(answer, 201 if taken["accepted"] else 422, headers=headers)

    async def _limited(self, source: Source, ip: str) -> None:
        who = Principal(source.tenant_id, source.id, frozenset(), source.config.per_minute)
        spent = await self._allowances.spend(who)
        if not self._callers.allowed(source.id, ip) or (spent and not spent.allowed):
            raise Problem(
                429, detail="too many forms in this minute", headers={"Retry-After": "60"}
            )

    async def _take(
        self, source: Source, read: Sent | Test | Unreadable, caller: Caller | None = None
    ) -> dict[str, Any]:
        match read:
            case Sent() as sent:
                taken = await self._submission.take(source, sent, caller or Caller())
                return {"accepted": taken.lead_id is not None, "reason": taken.reason}
            case Test():
                return {"accepted": True, "reason": "test"}
            case Unreadable(why=why):
                raise Problem(422, detail=why, pointer="")

    async def _source(self, kind: SourceKind, token: str) -> Source:
        async with self._database.transaction() as tx:
            found = await source_at(tx, kind, token)
        if found is None:
            raise Problem(404, detail="nobody knows this address", pointer="{token}")
        return found


def _proven(request: Request, header: str, wanted: str) -> None:
    """403 unless the signature (`sha256=…`) is the one that only who knows the secret makes."""
    given = request.headers.get(header, "")
    if not hmac.compare_digest(given.encode(), f"sha256={wanted}".encode()):
        raise Problem(403, detail="the signature is another", pointer=f"{header}:")


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Problem(400, "Malformed JSON", "the body is not JSON", pointer="") from None
    if not isinstance(value, dict):
        raise Problem(422, detail="the body is no JSON object", pointer="")
    return value


def _cors(source: Source, origin: str | None) -> dict[str, str]:
    """The headers for this origin; 403 for one the source does not name."""
    if origin is None:
        return {}
    allowed = source.config.origins
    if allowed and origin not in allowed:
        raise Problem(403, detail="forms of this page are not taken", pointer="Origin:")
    return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}


def _caller(request: Request) -> Caller:
    agent, referer = request.headers.get("user-agent"), request.headers.get("referer")
    return Caller(
        ip=caller_address(request),
        user_agent=agent[:1000] if agent else None,
        page=referer[:1000] if referer else None,
    )
