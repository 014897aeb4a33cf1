"""Calls about sequences: look, write, check, publish, play."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from followup_client.call import JSON, Answer, Call, Given, Seen, asked, at, json_body, model
from followup_client.errors import Unreadable

Plan = Literal["pin", "migrate", "follow"]
_YAML = {"Content-Type": "application/yaml"}


class Sequence(Seen):
    """A version of a sequence. `library`: it comes with the product, nobody has used it yet."""

    key: str
    version: int | None = None
    state: str
    source: str
    created_at: datetime | None = None


class Finding(Seen):
    """Something a rule says of a document."""

    rule: str
    severity: str
    line: int | None = None
    path: str
    message: str
    suggestion: str | None = None


class Linted(Seen):
    """Whether a document can be published, and what rules say of it."""

    valid: bool
    findings: tuple[Finding, ...] = ()


class Publication(Given):
    """How to publish: what runs under way do, and under which id steps go on."""

    plan: Plan | None = None
    steps: Mapping[str, str] = {}
    per_second: int = 100
    preview: bool = False


class Standing(Seen):
    """Live runs on one step of one version, and where they go on if they go over."""

    version: int
    step: str | None = None
    state: str
    leads: int
    goes_to: str | None = None


class Published(Sequence):
    """What publishing did, or, as a preview, would do."""

    preview: bool
    plan: str
    changes: tuple[str, ...]
    standing: tuple[Standing, ...]
    moving: int


def get(key: str, *, version: int | None = None) -> Call[Sequence]:
    """A version of a sequence, the newest if none is named."""
    path = at("sequences", key)
    return Call("scheduler", "GET", path, model(Sequence), params=asked(version=version))


def write(key: str, document: str) -> Call[Sequence]:
    """Store a YAML document as the next draft."""
    path, body = at("sequences", key), document.encode()
    return Call("scheduler", "PUT", path, model(Sequence), headers=_YAML, body=body)


def lint(key: str, document: str | None = None) -> Call[Linted]:
    """Check a YAML document, or the stored one; stores nothing."""
    path = at("sequences", key, "lint")
    if document is None:
        return Call("scheduler", "POST", path, model(Linted), again=True)
    body = document.encode()
    return Call("scheduler", "POST", path, model(Linted), headers=_YAML, body=body, again=True)


def publish(key: str, version: int, how: Publication | None = None) -> Call[Published]:
    """Let new enrollments take a version; runs under way do as the plan says."""
    return Call(
        "scheduler",
        "POST",
        at("sequences", key, "publish"),
        model(Published),
        params=asked(version=version),
        headers=JSON,
        body=json_body(how or Publication(steps={})),
        again=True,
    )


def simulate(key: str, play: Mapping[str, Any] | None = None) -> Call[dict[str, Any]]:
    """Play the newest version, or `play["document"]`, for a made-up lead; the calendar."""
    path, body = at("sequences", key, "simulate"), json.dumps(dict(play or {})).encode()
    return Call("scheduler", "POST", path, _calendar, headers=JSON, body=body, again=True)


def _calendar(answer: Answer) -> dict[str, Any]:
    try:
        told = json.loads(answer.content)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise Unreadable("a calendar that is no JSON object")
    return told
