"""Errors of HTTP, as RFC 9457 problem details.

What a caller did wrong is 4xx with a pointer to the place; nothing they send makes
a 500. A 500 carries an id that is in the log, and nothing else.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"
_NOT_A_MODEL = frozenset({"model_attributes_type", "model_type", "dict_type", "list_type"})
_PREFIXES = ("Value error, ", "Assertion failed, ")


class Problem(HTTPException):
    """An answer other than success, raised anywhere below a route.

    `pointer` names the place: a JSON pointer into the body (`/phone`), `?limit` for a
    query parameter, `{lead_id}` for a part of the path, `Idempotency-Key:` for a
    header. `errors` name several places at once.
    """

    def __init__(
        self,
        status: int,
        title: str | None = None,
        detail: str | None = None,
        *,
        pointer: str | None = None,
        errors: Sequence[Mapping[str, str]] = (),
        type: str = "about:blank",  # noqa: A002 - RFC 9457 calls it so
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, detail or title, headers)
        self.title = title or HTTPStatus(status).phrase
        self.said = detail
        self.type = type
        self.errors: list[Mapping[str, str]] = list(errors)
        if pointer is not None:
            self.errors.insert(0, {"pointer": pointer, "detail": detail or self.title})

    def response(self) -> Response:
        """The answer."""
        body: dict[str, Any] = {"type": self.type, "title": self.title, "status": self.status_code}
        if self.said is not None:
            body["detail"] = self.said
        if self.errors:
            body["errors"] = self.errors
        return Response(
            orjson.dumps(body), self.status_code, media_type=MEDIA_TYPE, headers=self.headers
        )


def install(app: FastAPI) -> None:
    """Have every error of an app answered as a problem."""
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)


def from_validation(problems: Sequence[Any], *, root: str = "") -> list[dict[str, str]]:
    """Pydantic's errors as `{pointer, detail}`, without what was sent.

    `root` is the pointer to what was validated; for a bare model `""`.
    """
    return [
        {"pointer": root + _pointer(problem["loc"]), "detail": _says(problem["msg"])}
        for problem in problems
    ]


async def _http(_request: Request, error: Exception) -> Response:
    if isinstance(error, Problem):
        return error.response()
    if not isinstance(error, HTTPException):
        raise error
    phrase = HTTPStatus(error.status_code).phrase
    detail = error.detail if error.detail and error.detail != phrase else None
    return Problem(error.status_code, phrase, detail, headers=error.headers).response()


async def _invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    problems = error.errors()
    if any(problem["type"] == "json_invalid" for problem in problems):
        return Problem(400, detail="the body is not JSON", pointer="").response()
    if _unread(request, problems):
        return Problem(
            415, detail="this route reads application/json", headers={"Accept": "application/json"}
        ).response()
    errors = [_located(problem) for problem in problems]
    return Problem(422, "Invalid request", errors[0]["detail"], errors=errors).response()


def _unread(request: Request, problems: Sequence[Any]) -> bool:
    # FastAPI hands on the raw bytes of a body that is not declared JSON.
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind == "application/json" or kind.endswith("+json"):
        return False
    return any(tuple(p["loc"]) == ("body",) and p["type"] in _NOT_A_MODEL for p in problems)


def _located(problem: Any) -> dict[str, str]:
    place, *rest = problem["loc"]
    match place:
        case "query":
            pointer = f"?{'.'.join(map(str, rest))}"
        case "path":
            pointer = f"{{{'.'.join(map(str, rest))}}}"
        case "header" | "cookie":
            pointer = f"{'.'.join(map(str, rest))}:"
        case _:
            pointer = _pointer(rest)
    return {"pointer": pointer, "detail": _says(problem["msg"])}


def _pointer(parts: Sequence[Any]) -> str:
    # RFC 6901, section 3
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def _says(message: str) -> str:
    for prefix in _PREFIXES:
        message = message.removeprefix(prefix)
    return message[:1].lower() + message[1:]
