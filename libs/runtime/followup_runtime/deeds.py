"""What keys change is on record before it is answered.

Every request of a key that changes something, whatever the service, becomes an entry of
the audit: method, route, the ids in its path. A route that knows better says so, or
records its own entry with what it does.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from followup_database import Database
from followup_directory import Deed, Principal, record_deed

_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_FAILED = 400
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")


def did(
    request: Request, *, subjects: Sequence[UUID] = (), detail: Mapping[str, Any] | None = None
) -> None:
    """Say more of what a request does: whom it concerns, and how; no personal data."""
    request.state.deed = Deed("", tuple(subjects), detail or {})


def recorded(request: Request) -> None:
    """Say that a request has recorded what it did, or that it changed nothing."""
    request.state.recorded = True


class Deeds:
    """Records what was done before it is answered, and tells limited keys where they stand.

    An answer is held until its entry is committed: what was answered is on record. What
    was done and not answered, because the process went in between, may not be.
    """

    def __init__(self, app: ASGIApp, *, database: Database) -> None:
        self.app = app
        self.database = database

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        state = scope.setdefault("state", {})

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(state.get("rate", {}))
                deed = _deed(scope, message["status"])
                if deed is not None:
                    await self._record(state["principal"], deed)
            await send(message)

        await self.app(scope, receive, noted)

    async def _record(self, who: Principal, deed: Deed) -> None:
        async with self.database.transaction(tenant=who.tenant_id) as tx:
            await record_deed(tx, who.tenant_id, deed, key_id=who.key_id)


def _deed(scope: Scope, status: int) -> Deed | None:
    state = scope["state"]
    silent = state.get("recorded", False) or "principal" not in state
    if silent or scope["method"] in _READING or status >= _FAILED:
        return None
    said = state.get("deed", Deed(""))
    ids, names = _named(scope.get("path_params", {}))
    route = getattr(scope.get("route"), "path_format", "unknown")
    return Deed(
        f"{scope['method']} {route}",
        tuple(dict.fromkeys([*ids, *said.subjects])),
        {**names, **said.detail},
    )


def _named(params: Mapping[str, Any]) -> tuple[list[UUID], dict[str, str]]:
    """The ids of a path, and what else in it is plainly a name."""
    ids: list[UUID] = []
    names: dict[str, str] = {}
    for name, value in params.items():
        try:
            ids.append(UUID(str(value)))
        except ValueError:
            if _NAME.fullmatch(str(value)):
                names[name] = str(value)
    return ids, names
