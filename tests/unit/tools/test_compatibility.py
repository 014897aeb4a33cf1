"""What was published stays usable by those who were written against it."""

import json
from copy import deepcopy
from typing import Any

import compatibility
import pytest

LEAD = {
    "type": "object",
    "required": ["phone"],
    "additionalProperties": False,
    "properties": {
        "phone": {"type": "string", "maxLength": 20},
        "state": {"type": "string", "enum": ["open", "lost"]},
        "value": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
}
KEPT = {
    "type": "object",
    "required": ["id", "state"],
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "state": {"type": "string", "enum": ["open", "lost"]},
        "inner": {"$ref": "#/components/schemas/Kept"},
    },
}
DOCUMENT: dict[str, Any] = {
    "paths": {
        "/leads": {
            "post": {
                "security": [{"key": ["leads:write"]}],
                "parameters": [
                    {"in": "query", "name": "lane", "schema": {"type": "string"}},
                    {"in": "query", "name": "limit", "schema": {"type": "integer"}},
                ],
                "requestBody": {
                    "required": False,
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Lead"}},
                        "text/csv": {"schema": {"type": "string"}},
                    },
                },
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"type": "array"}}}},
                    "201": {
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Kept"}}
                        }
                    },
                    "404": {"$ref": "#/components/responses/NotFound"},
                },
            },
            "get": {"responses": {"200": {}}},
        },
        "/tasks": {"get": {"responses": {"200": {}}}},
    },
    "components": {"schemas": {"Lead": LEAD, "Kept": KEPT}},
}
LEAD_AT = ("components", "schemas", "Lead")
KEPT_AT = ("components", "schemas", "Kept")
POST_AT = ("paths", "/leads", "post")
GONE = object()


def changed(*changes: tuple[tuple[Any, ...], Any]) -> dict[str, Any]:
    """The document with something else (or nothing) at a place, or several."""
    made = deepcopy(DOCUMENT)
    for place, value in changes:
        *way, last = place
        here: Any = made
        for part in way:
            here = here[part]
        if value is GONE:
            del here[last]
        else:
            here[last] = value
    return made


def said(*changes: tuple[tuple[Any, ...], Any]) -> list[str]:
    return list(compatibility.broken_http(DOCUMENT, changed(*changes)))


BREAKING = {
    "a path that is gone": (("paths", "/tasks"), GONE),
    "a method that is gone": (("paths", "/leads", "get"), GONE),
    "a parameter that is gone": ((*POST_AT, "parameters", 1), GONE),
    "a parameter that is required": ((*POST_AT, "parameters", 0, "required"), True),
    "a parameter of another type": (
        (*POST_AT, "parameters", 0, "schema"),
        {"type": "integer"},
    ),
    "a parameter with a limit": ((*POST_AT, "parameters", 1, "schema", "maximum"), 100),
    "another scope": ((*POST_AT, "security"), [{"key": ["leads:admin"]}]),
    "a body that is required": ((*POST_AT, "requestBody", "required"), True),
    "a kind of body that is gone": ((*POST_AT, "requestBody", "content", "text/csv"), GONE),
    "a field that is required": ((*LEAD_AT, "required"), ["phone", "state"]),
    "a field that is not read any more": ((*LEAD_AT, "properties", "tags"), GONE),
    "a shorter text": ((*LEAD_AT, "properties", "phone", "maxLength"), 19),
    "a text with a pattern": ((*LEAD_AT, "properties", "phone", "pattern"), "^[+]"),
    "a word that is gone": ((*LEAD_AT, "properties", "state", "enum"), ["open"]),
    "a null that is refused": ((*LEAD_AT, "properties", "value"), {"type": "number"}),
    "a number that must be whole": (
        (*LEAD_AT, "properties", "value", "anyOf", 0),
        {"type": "integer"},
    ),
    "items of another type": ((*LEAD_AT, "properties", "tags", "items"), {"type": "number"}),
    "an answer that is gone": ((*POST_AT, "responses", "201"), GONE),
    "an answer of another kind": (
        (*POST_AT, "responses", "201", "content"),
        {"text/plain": {"schema": {"type": "string"}}},
    ),
    "an answer's field that is gone": ((*KEPT_AT, "properties", "id"), GONE),
    "an answer's field that may be left out": ((*KEPT_AT, "required"), ["id"]),
    "an answer's field that may be null": (
        (*KEPT_AT, "properties", "id"),
        {"anyOf": [{"type": "string", "format": "uuid"}, {"type": "null"}]},
    ),
    "an answer's field of another type": ((*KEPT_AT, "properties", "id"), {"type": "integer"}),
    "an answer's field of another format": ((*KEPT_AT, "properties", "id", "format"), "date"),
}
HARMLESS = {
    "a path that is new": (("paths", "/new"), {"get": {"responses": {"200": {}}}}),
    "a parameter that may be more": (
        (*POST_AT, "parameters", 1),
        {"in": "query", "name": "limit", "schema": {"type": "number"}},
    ),
    "a field that may be left out": ((*LEAD_AT, "properties", "city"), {"type": "string"}),
    "a field that need not be given": ((*LEAD_AT, "required"), []),
    "a longer text": ((*LEAD_AT, "properties", "phone", "maxLength"), 21),
    "a word that is new": ((*LEAD_AT, "properties", "state", "enum"), ["open", "lost", "won"]),
    "fields of any name": ((*LEAD_AT, "additionalProperties"), True),
    "no key needed": ((*POST_AT, "security"), []),
    "an answer's field that is new": ((*KEPT_AT, "properties", "city"), {"type": "string"}),
    "an answer's word that is new": (
        (*KEPT_AT, "properties", "state", "enum"),
        ["open", "lost", "won"],
    ),
    "an answer's field that is always there": ((*KEPT_AT, "required"), ["id", "state", "inner"]),
    "a refusal that is new": ((*POST_AT, "responses", "409"), {}),
    "a refusal that is gone": ((*POST_AT, "responses", "404"), GONE),
}


@pytest.mark.parametrize("change", BREAKING.values(), ids=BREAKING)
def test_what_breaks_a_client_is_told(change) -> None:
    """A single change, and the place it is at."""
    (line,) = said(change)
    assert line.startswith(("POST /leads", "GET /"))


@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS)
def test_what_breaks_nobody_is_not(change) -> None:
    """More may be asked of us than was, and more be told."""
    assert said(change) == []


def test_the_place_is_named() -> None:
    """Down to the field."""
    assert said(BREAKING["a word that is gone"]) == ['POST /leads body/state: "lost" is refused']
    assert said(BREAKING["an answer's field that is gone"]) == ["POST /leads 201/id: it is gone"]
    assert said(BREAKING["a path that is gone"]) == ["GET /tasks: it is gone"]


CHANNEL = {"address": "lead.captured.v1.{lane}", "messages": {"lead.captured.v1": {}}}
CHANNELS = {"channels": {"lead.captured.v1": CHANNEL}}


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ({}, "lead.captured.v1: it is gone"),
        ({**CHANNEL, "address": "lead.v1"}, "lead.captured.v1: its address is another"),
        ({**CHANNEL, "messages": {}}, "lead.captured.v1: lead.captured.v1 is gone from it"),
        ({**CHANNEL, "bindings": {"amqp": {}}}, "lead.captured.v1: its bindings are others"),
    ],
)
def test_a_message_stays_where_it_was(now, told) -> None:
    """Publishers and consumers find it under the key they know."""
    document = {"channels": {"lead.captured.v1": now} if now else {}}
    assert list(compatibility.broken_messages(CHANNELS, document)) == [told]
    assert list(compatibility.broken_messages(CHANNELS, CHANNELS)) == []


def test_nothing_that_was_published_is_broken() -> None:
    """A change that cannot be done otherwise is a new route or a new message beside the old;
    what no release has carried is published anew by tools/compatibility.py --publish.
    """
    assert compatibility.broken(compatibility.PUBLISHED, compatibility.CURRENT) == []
    published = json.loads((compatibility.PUBLISHED / compatibility.HTTP).read_text())
    assert list(compatibility.broken_http(published, {"paths": {}})) != []
