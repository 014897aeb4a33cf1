"""What an app says of itself: OpenAPI 3.1, with scopes and with every refusal.

FastAPI describes what routes read and how they answer when all is well. What they have in
common stands here once: the key and the scope, problem details (RFC 9457), and the refusals
that follow from what a route is asked with.
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel

from followup_runtime.auth import Requires
from followup_runtime.problems import MEDIA_TYPE

Schema = dict[str, Any]
Responses = dict[int | str, dict[str, Any]]
PROBLEM_CONTENT: Schema = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}

PROBLEM: Schema = {
    "type": "object",
    "description": "What is wrong, as RFC 9457 has it; `errors` points to each place.",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}
_KEY = {
    "type": "http",
    "scheme": "bearer",
    "description": "An API key. What it may do are its scopes.",
}
_REPEATS: Schema = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "description": "A second request with it has the first one's answer, and does nothing.",
    "schema": {"type": "string", "pattern": "^[ -~]{1,255}$"},
}
_ALWAYS = frozenset({400, 503})
_OF_KEYS = frozenset({401, 403, 429})
_OF_BODIES = frozenset({408, 413, 415, 422})
_FIRST_REFUSAL = 400
# Python's own names for these have changed between its versions.
_NAMES: Mapping[int, str] = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    409: "Conflict",
    410: "Gone",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    503: "Service Unavailable",
}


class Application(FastAPI):
    """FastAPI that says all of it."""

    def openapi(self) -> Schema:
        """The document; made once, when it is first asked for."""
        known = self.openapi_schema
        document = super().openapi()
        if document is not known:
            describe(document, self.routes, apart=self.state.own_repeats)
        return document


def also(*statuses: int) -> Responses:
    """The refusals of a route that do not follow from how it is asked, for `responses`."""
    return {status: {"description": _NAMES[status]} for status in statuses}


def shaped(shape: type[BaseModel], status: int = 200) -> Responses:
    """The answer of a route that answers with plain values, for `responses`: their shape."""
    return {status: {"model": shape}}


def body(*kinds: str, shape: str | None = "string") -> Schema:
    """The body of a route that reads it itself, of any of these media types.

    None is a shape that nothing can be said of.
    """
    schema = {} if shape is None else {"type": shape}
    return {
        "requestBody": {"required": True, "content": {kind: {"schema": schema} for kind in kinds}}
    }


def media(kind: str, description: str) -> dict[str, Any]:
    """A response that is text of another kind than JSON."""
    return {"description": description, "content": {kind: {"schema": {"type": "string"}}}}


def whole_routes(routes: Sequence[object]) -> Iterator[APIRoute]:
    """Routes and those of routers within; ours carry their prefix themselves."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        elif isinstance(inner := getattr(route, "original_router", None), APIRouter):
            yield from whole_routes(inner.routes)


def scope_of(route: APIRoute) -> str | None:
    """The scope a key needs for a route; None where none is asked for."""
    calls = (needed.call for needed in route.dependant.dependencies)
    return next((call.scope for call in calls if isinstance(call, Requires)), None)


def describe(document: Schema, routes: Sequence[object], *, apart: Container[str] = ()) -> None:
    """Add to FastAPI's document what all routes have in common.

    POSTs with a key take an `Idempotency-Key` but for those `apart`.
    """
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = PROBLEM
    components["securitySchemes"] = {"key": _KEY}
    components["responses"] = {}
    for route in whole_routes(routes):
        if route.include_in_schema:
            for method in route.methods or ():
                operation = document["paths"][route.path_format][method.lower()]
                if method == "POST" and scope_of(route) and route.path_format not in apart:
                    operation.setdefault("parameters", []).append(_REPEATS)
                    operation["responses"].setdefault("409", {})
                _complete(operation, components["responses"], scope_of(route))
                operation["operationId"] = _named(method, route.path_format)
    components["responses"] = dict(sorted(components["responses"].items()))
    _settle(document)


def _complete(operation: Schema, shared: Schema, scope: str | None) -> None:
    operation["security"] = [] if scope is None else [{"key": [scope]}]
    responses = operation["responses"]
    for status in _refusals(operation, scope):
        # FastAPI's own 422 is that of its stock error handler.
        responses.setdefault(str(status), {})
    for status in list(responses):
        if _is_refusal(responses[status], status):
            name = _NAMES[int(status)].replace(" ", "")
            shared[name] = _shared(int(status))
            responses[status] = {"$ref": f"#/components/responses/{name}"}
    operation["responses"] = dict(sorted(responses.items()))


def _refusals(operation: Mapping[str, Any], scope: str | None) -> set[int]:
    parameters = operation.get("parameters", ())
    found = set(_ALWAYS) if scope is None else {*_ALWAYS, *_OF_KEYS}
    if parameters:
        found.add(422)
    if any(parameter["in"] == "path" for parameter in parameters):
        found.add(404)
    if "requestBody" in operation:
        found |= _OF_BODIES
    return found


def _is_refusal(response: Mapping[str, Any], status: str) -> bool:
    """Whether a response is answered with a problem: one that says nothing else itself."""
    stock = "HTTPValidationError" in str(response.get("content"))
    return int(status) >= _FIRST_REFUSAL and (stock or "content" not in response)


def _shared(status: int) -> Schema:
    return {"description": _NAMES[status], "content": PROBLEM_CONTENT}


def _settle(value: Any) -> None:
    """Bring the defaults of sets into an order that is the same in every process."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            # A shape that is named says more than the type of the function beside it.
            for name in value.keys() & {"type", "additionalProperties", "title"}:
                del value[name]
        if value.get("uniqueItems") and isinstance(value.get("default"), list):
            value["default"].sort()
        for each in value.values():
            _settle(each)
    elif isinstance(value, list):
        for each in value:
            _settle(each)


def _named(method: str, path: str) -> str:
    """The name generators of clients give a route: `get_leads_by_lead_id_history`."""
    parts = [part for part in path.split("/") if part and part != "v1"]
    words = [f"by_{part.strip('{}')}" if part.startswith("{") else part for part in parts]
    return "_".join([method.lower(), *words]).replace("-", "_").replace(".", "_")
