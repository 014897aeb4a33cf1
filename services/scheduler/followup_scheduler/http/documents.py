"""Reading sequence documents out of requests."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import orjson
from fastapi import Request

from followup_runtime.problems import Problem
from followup_scheduler.core.errors import BadDocument
from followup_scheduler.http.bodies import Finding
from followup_scheduler.lint import findings as lint

YAML = frozenset(
    {"application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml", "text/plain"}
)


async def document_of(request: Request) -> str | None:
    """The document in a request's body as text; None when there is no body."""
    body = await request.body()
    if not body:
        return None
    kind = request.headers.get("content-type", "application/yaml").split(";")[0].strip().lower()
    if kind == "application/json" or kind.endswith("+json"):
        return _from_json(body)
    if kind not in YAML:
        raise Problem(415, detail="send application/yaml or application/json")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Problem(400, detail=f"the body is not UTF-8: byte {error.start}") from None


def _from_json(body: bytes) -> str:
    try:
        values: Any = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem(400, detail=f"the body is not JSON: {error}") from None
    # Written again without escapes of surrogates, which YAML would not put together.
    return orjson.dumps(values, option=orjson.OPT_INDENT_2).decode()


def refused(error: BadDocument, *, root: str = "") -> Problem:
    """What is wrong with a document, as a problem with pointers and lines.

    `root` is where in the body the document stands.
    """
    found = findings(error)
    return Problem(
        422,
        "Invalid sequence",
        found[0].message if found else None,
        errors=[{"pointer": root + f.path, "detail": _says(f)} for f in found],
    )


def findings(error: BadDocument) -> list[Finding]:
    """What is wrong with a document."""
    return [
        Finding(line=f.line, path=f.path, message=f.message, suggestion=f.suggestion)
        for f in error.errors
    ]


def told(found: Sequence[lint.Finding]) -> list[Finding]:
    """What the lint says, as bodies."""
    return [Finding(**asdict(finding)) for finding in found]


def unpublishable(found: Sequence[lint.Finding]) -> Problem:
    """The lint's errors, as a problem with pointers, lines and rules."""
    wrong = [finding for finding in told(found) if finding.severity == "error"]
    return Problem(
        422,
        "Unpublishable sequence",
        f"{wrong[0].rule}: {wrong[0].message}",
        errors=[{"pointer": f.path, "detail": f"{f.rule}: {_says(f)}"} for f in wrong],
    )


def _says(finding: Finding) -> str:
    line = f"line {finding.line}: " if finding.line is not None else ""
    hint = f" ({finding.suggestion})" if finding.suggestion else ""
    return f"{line}{finding.message}{hint}"
