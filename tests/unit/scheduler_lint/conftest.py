from collections.abc import Callable
from typing import Any

import pytest
import yaml

from followup_scheduler.lint.linter import lint

HELLO = (
    'Hi {{ person.first_name | default: "there" }}, thanks for asking about '
    '{{ lead.need | default: "our work" }}. Is this week good for a call? Reply STOP to opt out.'
)
MAIL = (
    'Hi {{ person.first_name | default: "there" }},\n\nthree firms out of four leave the price of '
    '{{ lead.need | default: "the work" }} open until the end. Ours is in writing before we start.'
    "\n\nShall I send you an example?\n"
)
CALL = 'Hello {{ person.first_name | default: "there" }}, this is about your roof. Call us, please.'

Document = dict[str, Any]


@pytest.fixture
def good() -> Document:
    """A short sequence that nothing is wrong with; tests spoil their copy."""
    return {
        "key": "example",
        "name": "Example",
        "steps": [
            touch("first", {"after": "0m", "window": "at_once"}, "sms", "hello"),
            touch("second", {"day": 2}, "email", "mail"),
        ],
        "end": {"wait": "2d", "hand_off": "nurture"},
        "templates": {
            "hello": {"text": HELLO},
            "mail": {"subject": "An example", "text": MAIL},
        },
    }


@pytest.fixture
def rules_of() -> Callable[[Document], set[str]]:
    """The ids of the rules that a document breaks."""
    return lambda document: {f.rule for f in lint(_written(document))}


@pytest.fixture
def written() -> Callable[[Document], str]:
    """A document as YAML."""
    return _written


def touch(name: str, at: Any, channel: Any, template: Any, **more: Any) -> Document:
    return {"id": name, "at": at, "touches": [{"channel": channel, "template": template, **more}]}


def _written(document: Document) -> str:
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
