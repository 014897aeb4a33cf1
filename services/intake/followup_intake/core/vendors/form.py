"""A form on somebody's own page, posted by a browser or a script."""

from collections.abc import Sequence
from email import policy
from email.errors import MessageError
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any
from urllib.parse import parse_qsl

import orjson

from followup_intake.core.vendors.answers import MOST, Rules, Sent, Test, Unreadable, as_fields

PAGE = "page"


def read_body(kind: str, body: bytes) -> list[tuple[str, str]] | Unreadable:
    """The fields of a body by its content type: urlencoded, multipart or a JSON object."""
    match kind.split(";", maxsplit=1)[0].strip().lower():
        case "application/x-www-form-urlencoded":
            return _urlencoded(body)
        case "multipart/form-data":
            return _multipart(kind, body)
        case "application/json":
            return _json(body)
        case _:
            return Unreadable("send a form (urlencoded or multipart) or a JSON object")


def read_lead(
    sent: Sequence[tuple[str, str]], rules: Rules, *, honeypot: str
) -> Sent | Test | Unreadable:
    """The lead in a form; `Test` where the field nobody sees was filled in, by a robot."""
    if any(name == honeypot and value.strip() for name, value in sent):
        return Test()
    page = next((value for name, value in sent if name == PAGE), None)
    answers = [(name, value) for name, value in sent if name not in (PAGE, honeypot)]
    return Sent(None, as_fields(answers, rules), page=page[:1000] if page else None)


def _urlencoded(body: bytes) -> list[tuple[str, str]] | Unreadable:
    try:
        return parse_qsl(body.decode("utf-8", "replace"), max_num_fields=MOST)
    except ValueError:
        return Unreadable(f"it has more than {MOST} fields")


def _multipart(kind: str, body: bytes) -> list[tuple[str, str]] | Unreadable:
    unreadable = Unreadable("the parts of the form can't be read")
    header = f"Content-Type: {kind}\r\n\r\n".encode("latin-1", "replace")
    try:
        message = BytesParser(policy=policy.HTTP).parsebytes(header + body)
        return _parts(message) if message.is_multipart() else unreadable
    except (MessageError, ValueError, LookupError, TypeError, AttributeError):
        # The parser's headers raise all of these for what is no header.
        return unreadable


def _parts(message: EmailMessage) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for part in list(message.iter_parts())[:MOST]:
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and part.get_filename() is None and isinstance(content, bytes):
            found.append((name, content.decode("utf-8", "replace")))
    return found


def _json(body: bytes) -> list[tuple[str, str]] | Unreadable:
    try:
        value: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return Unreadable("it is no JSON")
    if not isinstance(value, dict):
        return Unreadable("it is no JSON object")
    plain = ((k, v) for k, v in value.items() if isinstance(v, str | int | float | bool))
    return [(k, {True: "yes", False: "no"}[v] if isinstance(v, bool) else str(v)) for k, v in plain]
