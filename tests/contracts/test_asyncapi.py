"""docs/reference/asyncapi.json is current, whole, and tells where messages really go."""

import json
import re
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from followup_contracts.asyncapi import address_of, document, name_of
from followup_contracts.payload import CHANNELS, LANES
from followup_contracts.registry import MESSAGES
from followup_contracts.topology import QUEUES

ROOT = Path(__file__).resolve().parents[2]
WRITTEN = json.loads((ROOT / "docs/reference/asyncapi.json").read_text())


def references(value: object) -> list[str]:
    if isinstance(value, list):
        return [found for item in value for found in references(item)]
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [found for item in value.values() for found in references(item)]
    return []


def resolve(reference: str) -> dict:
    here = WRITTEN
    for part in reference.removeprefix("#/").split("/"):
        here = here[part]
    return here


def test_the_document_is_current() -> None:
    """After a change of the classes: python tools/schemas.py."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert document(version) == WRITTEN


def test_every_reference_leads_somewhere() -> None:
    """No dangling $ref, and each stays within the document."""
    found = references(WRITTEN)
    assert len(found) > 2 * len(MESSAGES)
    assert all(reference.startswith("#/") and resolve(reference) for reference in found)


@pytest.mark.parametrize("name", sorted(WRITTEN["components"]["schemas"]))
def test_every_schema_is_one(name: str) -> None:
    """JSON Schema 2020-12 throughout."""
    Draft202012Validator.check_schema(WRITTEN["components"]["schemas"][name])


def test_every_queue_and_every_type_has_a_channel() -> None:
    """Whoever reads the document sees all of the topology, and each message in it."""
    assert set(WRITTEN["channels"]) == {
        *(queue.name for queue in QUEUES),
        *(name_of(payload) for payload in MESSAGES.values()),
    }


@pytest.mark.parametrize("queue", QUEUES, ids=lambda queue: queue.name)
def test_a_queue_carries_what_is_bound_to_it(queue) -> None:
    """The channel of a queue lists a message for every key the queue is bound by."""
    listed = set(WRITTEN["channels"][queue.name]["messages"])
    assert listed
    for binding in queue.bindings:
        assert binding == "#" or any(
            binding == name or binding.startswith(f"{name}.") for name in listed
        )


def test_an_address_is_the_routing_key() -> None:
    """With each parameter filled in, addresses are the very keys that queues are bound by."""
    keys = set()
    for payload in MESSAGES.values():
        filled = [address_of(payload)]
        for parameter, values in (("{channel}", CHANNELS), ("{lane}", LANES)):
            filled = [key.replace(parameter, value) for key in filled for value in values]
        keys.update(filled)
    assert not any(re.search(r"[{}]", key) for key in keys)
    assert {b for queue in QUEUES for b in queue.bindings if b != "#"} <= keys
