"""What is refused before any route sees it: bodies too large, text nobody can store.

PostgreSQL holds no NUL in text, and no encoding holds half a surrogate pair; both are
valid JSON. They are turned away here, once, for every route.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from followup_runtime.paths import ByPrefix, route_path
from followup_runtime.problems import Problem

DEFAULT_BYTES = 1024 * 1024


class BodyLimit:
    """Refuses a body over its limit with 413: by its declared length, else while it is read.

    The limit is that of the longest prefix of the path in `overrides`.
    """

    def __init__(
        self, app: ASGIApp, *, limit: int = DEFAULT_BYTES, overrides: Mapping[str, int]
    ) -> None:
        self.app = app
        self.limits = ByPrefix(overrides, default=limit)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self.limits.of(scope)
        declared = _header(scope, b"content-length")
        if declared.isdigit() and int(declared) > limit:
            raise _too_large(limit)
        left = limit

        async def counted() -> Message:
            nonlocal left
            message = await receive()
            if message["type"] == "http.request":
                left -= len(message.get("body", b""))
                if left < 0:
                    raise _too_large(limit)
            return message

        await self.app(scope, counted, send)


class TextGuard:
    """Refuses with 400 what is no JSON in UTF-8 though it says so, and text with NUL.

    A JSON body is read whole here, up to `limit` whatever larger files a route takes,
    and handed on in one piece. Paths that begin with one of `raw` see to that themselves:
    there a signature decides first whether a body is read at all.
    """

    def __init__(
        self, app: ASGIApp, *, limit: int = DEFAULT_BYTES, raw: Sequence[str] = ()
    ) -> None:
        self.app = app
        self.limit = limit
        self.raw = tuple(raw)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Look at the request's text, then pass it on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if "\0" in scope["path"] or b"%00" in scope["query_string"]:
            raise Problem(400, detail="the address holds a NUL character")
        if route_path(scope).startswith(self.raw):
            await self.app(scope, receive, send)
            return
        kind = _header(scope, b"content-type").split(b";")[0].strip().lower()
        if kind == b"application/json" or kind.endswith(b"+json"):
            receive = await _checked(receive, self.limit)
        await self.app(scope, receive, send)


async def _checked(receive: Receive, limit: int) -> Receive:
    whole, again = await whole_body(receive, limit)
    _require_json(whole)
    return again


async def whole_body(receive: Receive, limit: int = DEFAULT_BYTES) -> tuple[bytes, Receive]:
    """A body read to its end, and what gives it once more, in one piece.

    Raises the `Problem` of one that is larger than `limit`; what a caller sent who has gone
    meanwhile is as long as it is.
    """
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return bytes(body), receive
        body += message.get("body", b"")
        if len(body) > limit:
            raise _too_large(limit)
        if not message.get("more_body", False):
            break
    whole, handed = bytes(body), False

    async def replay() -> Message:
        nonlocal handed
        if handed:
            return await receive()
        handed = True
        return {"type": "http.request", "body": whole, "more_body": False}

    return whole, replay


def _require_json(body: bytes) -> None:
    if not body:
        return
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem(400, "Malformed JSON", f"the body is not JSON in UTF-8: {error}") from None
    # Most bodies end here: the escape is the only way to write a NUL in JSON.
    if b"\\u0000" in body and (pointer := nul_in(value)) is not None:
        raise Problem(400, "Malformed text", "a text holds a NUL character", pointer=pointer)


def nul_in(value: Any) -> str | None:
    """The JSON pointer to the first text (or key) with a NUL, if there is one."""
    # With a stack of its own: parsers take deeper documents than Python calls.
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        pointer, here = waiting.pop()
        if isinstance(here, str):
            if "\0" in here:
                return pointer
        elif isinstance(here, dict):
            if any("\0" in key for key in here):
                return pointer
            waiting += reversed([(f"{pointer}/{_escaped(key)}", v) for key, v in here.items()])
        elif isinstance(here, list):
            waiting += reversed([(f"{pointer}/{index}", v) for index, v in enumerate(here)])
    return None


def _escaped(key: str) -> str:
    # RFC 6901, section 3
    return key.replace("~", "~0").replace("/", "~1")


def _too_large(limit: int) -> Problem:
    return Problem(
        413, detail=f"the body is larger than {limit} bytes", headers={"Connection": "close"}
    )


def _header(scope: Scope, name: bytes) -> bytes:
    return next((value for key, value in scope["headers"] if key == name), b"")
