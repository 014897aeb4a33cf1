"""`Idempotency-Key` on every POST: what is asked twice is done once, and answered twice.

    client ──POST, key──▶ taken (committed) ──▶ the route ──▶ its answer kept ──▶ client
                                                  └─ what it commits says that it was done

An answer may hold a secret or a person's words, so it is sealed under the API key that
asked: who has not that key can't read it, we neither.
"""

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import assert_never

import orjson
import structlog
from cryptography.fernet import Fernet
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from followup_database import Database, Transaction, beside
from followup_directory import Principal
from followup_directory.answers import (
    AnotherRequest,
    Answered,
    AnswerLost,
    Asked,
    Taken,
    UnderWay,
    drop_request,
    give_up,
    keep_answer,
    note_done,
    take_request,
)
from followup_runtime.auth import Authenticator, bearer_token
from followup_runtime.limits import whole_body
from followup_runtime.paths import route_path
from followup_runtime.problems import Problem

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
_KEPT_HEADERS = (b"content-type", b"location")
_REFUSED = 400
_FAILED = 500
_LOST = (
    "this request was carried out, and its answer was lost: see whether what it asked for is"
    " there, and ask under another key if it is not"
)
_KEY = re.compile(rb"[ -~]{1,255}")


class Repeats:
    """Carries a request with a key out once; its repetitions have the first one's answer.

    A request that is refused does not use its key up, nor does one that fails before it has
    committed anything. `apart` are paths whose routes see to keys themselves, or can't be
    asked twice at all.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        database: Database,
        authenticator: Authenticator,
        apart: Sequence[str],
    ) -> None:
        self.app = app
        self.database = database
        self.authenticator = authenticator
        self.apart = [compile_path(path)[0] for path in apart]
        self._log = structlog.get_logger("followup.http")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        key = _key(scope) if self._concerns(scope) else None
        token = None if key is None else bearer_token(scope)
        who = None if token is None else await self.authenticator.principal(token)
        if key is None or token is None or who is None:
            await self.app(scope, receive, send)  # the route asks for a good key, if it needs one
            return
        body, receive = await whole_body(receive)
        await self._once(_Request(scope, receive, send), _asked(scope, who, key, body), token, who)

    def _concerns(self, scope: Scope) -> bool:
        if scope["type"] != "http" or scope["method"] != "POST":
            return False
        path = route_path(scope)
        return not any(apart.match(path) for apart in self.apart)

    async def _once(self, request: "_Request", asked: Asked, token: str, who: Principal) -> None:
        async with self.database.transaction(tenant=asked.tenant_id) as tx:
            found = await take_request(tx, asked)
        match found:
            case Taken():
                await self._carry_out(request, asked, token)
            case Answered(status=status, sealed=sealed):
                await self.authenticator.spend(who)
                answer = _opened(status, sealed, token)
                await answer(request.scope, request.receive, request.send)
            case UnderWay():
                raise _problem(409, "Under way", "a request with this key is under way")
            case AnswerLost():
                raise _problem(409, "Answer lost", _LOST)
            case AnotherRequest():
                raise _problem(422, "Key reused", "this key was used with another request")
            case other:
                assert_never(other)

    async def _carry_out(self, request: "_Request", asked: Asked, token: str) -> None:
        answer = _Answer()

        async def done(tx: Transaction) -> None:
            await note_done(tx, asked)

        try:
            with beside(done):
                await self.app(request.scope, request.receive, answer.hear)
        except Exception as error:
            refused = isinstance(error, Problem) and error.status_code < _FAILED
            await self._give_back(asked, drop_request if refused else give_up)
            raise
        if answer.status >= _FAILED or not answer.status:
            await self._give_back(asked, give_up)
        elif answer.status >= _REFUSED:
            await self._give_back(asked, drop_request)
        else:
            async with self.database.transaction(tenant=asked.tenant_id) as tx:
                sealed = answer.sealed(token)
                await keep_answer(tx, asked, status=answer.status, sealed=sealed)
        for message in answer.messages:
            await request.send(message)

    async def _give_back(
        self, asked: Asked, how: Callable[[Transaction, Asked], Awaitable[None]]
    ) -> None:
        try:
            async with self.database.transaction(tenant=asked.tenant_id) as tx:
                await how(tx, asked)
        except Exception as error:  # noqa: BLE001 - the request's own answer counts; the lease ends
            self._log.warning("http.key_not_given_back", error=type(error).__name__)


@dataclass(frozen=True, slots=True)
class _Request:
    scope: Scope
    receive: Receive
    send: Send


@dataclass(slots=True)
class _Answer:
    """What a route answers, held until it is kept."""

    messages: list[Message] = field(default_factory=list)

    async def hear(self, message: Message) -> None:
        """One part of it."""
        self.messages.append(message)

    @property
    def status(self) -> int:
        """0 where there is none."""
        return int(self.messages[0]["status"]) if self.messages else 0

    def sealed(self, token: str) -> bytes:
        """Its body and the headers that belong to it, for whoever has the API key."""
        headers = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in self.messages[0]["headers"]
            if name.lower() in _KEPT_HEADERS
        }
        body = b"".join(message.get("body", b"") for message in self.messages[1:])
        kept = {"headers": headers, "body": body.decode("latin-1")}
        return _seal(token).encrypt(orjson.dumps(kept))


def _opened(status: int, sealed: bytes, token: str) -> Response:
    kept = orjson.loads(_seal(token).decrypt(sealed))
    headers = {**kept["headers"], REPLAYED: "true"}
    return Response(kept["body"].encode("latin-1"), status, headers=headers)


def _seal(token: str) -> Fernet:
    key = hmac.digest(token.encode(), b"followup answers v1", "sha256")
    return Fernet(urlsafe_b64encode(key))


def _asked(scope: Scope, who: Principal, key: str, body: bytes) -> Asked:
    parts = (scope["path"].encode(), scope["query_string"], body)
    request = sha256(b"".join(sha256(part).digest() for part in parts)).digest()
    return Asked(who.tenant_id, who.key_id, key, request)


def _key(scope: Scope) -> str | None:
    given: bytes | None = next(
        (v for k, v in scope["headers"] if k == HEADER.lower().encode()), None
    )
    if given is None:
        return None
    if not _KEY.fullmatch(given):
        raise _problem(422, "Invalid key", "a key has 1 to 255 printable ASCII characters")
    return given.decode("ascii")


def _problem(status: int, title: str, detail: str) -> Problem:
    return Problem(status, title, detail, pointer=f"{HEADER}:")
