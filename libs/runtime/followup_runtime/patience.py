"""How long a request may take.

A caller who sends slowly, or a route that hangs, holds a connection, a place among the
server's tasks and perhaps one in the database's pool; nobody holds them for long.
"""

import asyncio
from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from followup_runtime.paths import ByPrefix
from followup_runtime.problems import Problem

ANSWERED_WITHIN = 30.0
"""Seconds from a request's head to the head of its answer."""
SILENT_FOR = 60.0
"""Seconds between two parts of a body, at most."""


class TimeLimit:
    """Ends a request that takes too long: 408 where its body is what is missing, else 503.

    Only the beginning of an answer is waited for: what streams may go on, as long as a body
    that is read meanwhile goes on too. `overrides` are seconds by the longest prefix of the
    path. A request that is ended is cancelled: what it has not committed is undone.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        overrides: Mapping[str, float],
        limit: float = ANSWERED_WITHIN,
        silence: float = SILENT_FOR,
    ) -> None:
        self.app = app
        self.limits = ByPrefix(overrides, default=limit)
        self.silence = silence

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = _Body(receive, self.silence)
        limit = self.limits.of(scope)
        try:
            async with asyncio.timeout(limit) as clock:

                async def noted(message: Message) -> None:
                    if message["type"] == "http.response.start":
                        clock.reschedule(None)
                    await send(message)

                await self.app(scope, body.receive, noted)
        except TimeoutError:
            if not clock.expired():
                raise
            raise _too_slow() if body.awaited else _too_long(limit) from None


class _Body:
    """A request's body, whose parts must not let others wait for long."""

    def __init__(self, receive: Receive, silence: float) -> None:
        self._receive = receive
        self._silence = silence
        self._whole = False
        self.awaited = False

    async def receive(self) -> Message:
        """The next part; 408 when it does not come."""
        if self._whole:
            return await self._receive()  # a disconnect, which may be hours away
        self.awaited = True
        try:
            async with asyncio.timeout(self._silence):
                message = await self._receive()
        except TimeoutError:
            raise _too_slow() from None
        self.awaited = False
        self._whole = not message.get("more_body", False)
        return message


def _too_slow() -> Problem:
    return Problem(408, detail="the body did not come in time", headers={"Connection": "close"})


def _too_long(limit: float) -> Problem:
    return Problem(
        503, detail=f"this took longer than {limit:g} s and was ended", headers={"Retry-After": "5"}
    )
