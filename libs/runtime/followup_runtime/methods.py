"""Which methods a path has, told as RFC 9110 wants it: 405 with all of them in `Allow`.

The router answers with the methods of the first route that fits, and lets `/v1/leads/batch`
be a lead of that id for the methods it has not itself.
"""

from collections import defaultdict
from collections.abc import Sequence

from fastapi.routing import APIRoute
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from followup_runtime.paths import route_path
from followup_runtime.problems import Problem

_NOT_ALLOWED = 405


class Methods:
    """Refuses a method that a path has not, and names those it has."""

    def __init__(self, app: ASGIApp, *, routes: Sequence[APIRoute]) -> None:
        self.app = app
        self.routes = tuple(routes)
        self.plain: dict[str, set[str]] = defaultdict(set)
        for route in routes:
            if not route.param_convertors:
                self.plain[route.path_format] |= set(route.methods or ())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = route_path(scope)
        # What has no variable part is itself, whatever else would fit it.
        known = self.plain.get(path)
        if known is not None and scope["method"] not in known:
            raise Problem(_NOT_ALLOWED, headers={"Allow": _listed(known)})

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == _NOT_ALLOWED:
                MutableHeaders(scope=message)["Allow"] = _listed(self._of(path))
            await send(message)

        await self.app(scope, receive, named)

    def _of(self, path: str) -> set[str]:
        fitting = (route for route in self.routes if route.path_regex.match(path))
        return {method for route in fitting for method in route.methods or ()}


def _listed(methods: set[str]) -> str:
    return ", ".join(sorted(methods))
