"""Who asks: bearer tokens, checked against the directory."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Scope

from followup_database import Database, beside
from followup_directory import Principal, authenticate
from followup_runtime.allowances import Allowances
from followup_runtime.problems import Problem

REVOKED_WITHIN = 1.0
"""Seconds after which a revoked key is refused by every process."""

_MOST_CACHED = 10_000


class Authenticator:
    """Looks tokens up through the worker's pool, at most once a second each.

    A key that was good is taken as good for `REVOKED_WITHIN` seconds; one that was not
    is looked up every time. Tokens are kept as hashes only, here too.
    """

    def __init__(
        self, database: Database, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._monotonic = monotonic
        self._known: dict[bytes, tuple[float, Principal]] = {}
        self.allowances = Allowances(database, monotonic=monotonic)

    async def principal(self, token: str) -> Principal | None:
        """Whom a token speaks for, or None."""
        digest = sha256(token.encode("utf-8", "surrogatepass")).digest()
        asked_at = self._monotonic()
        known = self._known.get(digest)
        if known is not None and asked_at < known[0]:
            return known[1]
        with beside(None):
            async with self._database.transaction() as tx:
                principal = await authenticate(tx, token)
        self._remember(digest, asked_at, principal)
        return principal

    async def spend(self, who: Principal) -> Mapping[str, str]:
        """Count one request of a limited key; headers that say where it stands, or 429."""
        with beside(None):  # to be counted is not to be carried out
            spent = await self.allowances.spend(who)
        if spent is None:
            return {}
        if not spent.allowed:
            raise Problem(
                429,
                detail=f"this API key may ask {who.per_minute} times a minute",
                headers={**spent.headers(), "Retry-After": str(spent.reset)},
            )
        return spent.headers()

    def _remember(self, digest: bytes, asked_at: float, principal: Principal | None) -> None:
        self._known.pop(digest, None)
        if principal is None:
            return
        if len(self._known) >= _MOST_CACHED:
            del self._known[next(iter(self._known))]
        self._known[digest] = (asked_at + REVOKED_WITHIN, principal)


@dataclass(frozen=True, slots=True)
class Requires:
    """A dependency that gives the caller's principal, if its key carries this scope.

    401 without a good key, 429 where it has asked too often, 403 without the scope. What
    is known of the caller goes into the request's state, for `Deeds`.
    """

    scope: str

    async def __call__(self, request: Request) -> Principal:
        """Whoever asks."""
        authenticator: Authenticator = request.app.state.authenticator
        token = bearer_token(request.scope)
        if token is None:
            raise _unauthorized("send an API key: Authorization: Bearer <key>", None)
        found = await authenticator.principal(token)
        if found is None:
            raise _unauthorized("this API key is not known or no longer valid", "invalid_token")
        request.state.principal = found
        request.state.rate = await authenticator.spend(found)
        if not found.may(self.scope):
            challenge = f'Bearer error="insufficient_scope", scope="{self.scope}"'
            raise Problem(
                403,
                detail=f"this API key lacks the scope {self.scope!r}",
                headers={"WWW-Authenticate": challenge},
            )
        return found


def require(scope: str) -> Requires:
    """The dependency of a route that needs this scope."""
    return Requires(scope)


async def still_good(request: Request, scope: str) -> bool:
    """Whether a request's key is still good for this: of an answer that goes on for long."""
    authenticator: Authenticator = request.app.state.authenticator
    token = bearer_token(request.scope)
    found = None if token is None else await authenticator.principal(token)
    return found is not None and found.may(scope)


def bearer_token(scope: Scope) -> str | None:
    """The API key that a request is sent with, if one is."""
    scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _unauthorized(detail: str, error: str | None) -> Problem:
    challenge = "Bearer" if error is None else f'Bearer error="{error}"'
    return Problem(401, detail=detail, headers={"WWW-Authenticate": challenge})
