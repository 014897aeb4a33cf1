"""What was published stays as it was: one golden schema per message version."""

import json
from datetime import UTC
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import AwareDatetime
from pydantic.fields import FieldInfo

from followup_contracts import Message, Unreadable, decode, encode
from followup_contracts.payload import Payload
from followup_contracts.registry import CONSUMERS, MESSAGES
from followup_contracts.schema import contract, envelope_schema
from followup_contracts.topology import QUEUES

GOLDEN = Path(__file__).parent / "golden"
ADVICE = (
    "a published version never changes: make a new class with a new type_name and keep the"
    " old one; what was never released may be written again by"
    " tools/schemas.py --unreleased {}"
)
MOMENTS = st.datetimes(timezones=st.just(UTC))
st.register_type_strategy(AwareDatetime, MOMENTS)


def golden(name: str) -> dict:
    return json.loads((GOLDEN / f"{name}.json").read_text())


def payloads() -> st.SearchStrategy[Payload]:
    """Any payload of any registered type, by the types of its fields."""
    return st.sampled_from(sorted(MESSAGES)).flatmap(
        lambda name: st.fixed_dictionaries(
            {field: _values(info) for field, info in MESSAGES[name].model_fields.items()}
        ).map(MESSAGES[name].model_validate)
    )


def _values(field: FieldInfo) -> st.SearchStrategy:
    if field.annotation == dict[str, Any]:
        return st.dictionaries(st.text(), st.text() | st.booleans() | st.none(), max_size=3)
    if field.annotation is float:
        return st.floats(0, 1)
    return st.from_type(field.annotation)


@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_a_published_version_is_as_it_was(name: str) -> None:
    """The class still gives the schema other people's code was written against."""
    assert contract(MESSAGES[name]) == golden(name), ADVICE.format(name)


def test_every_published_version_is_still_read() -> None:
    """No version disappears: readers accept old and new."""
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(MESSAGES)


@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_a_golden_schema_is_one(name: str) -> None:
    """JSON Schema 2020-12, whole in itself."""
    schema = golden(name)
    Draft202012Validator.check_schema(schema)
    assert "$ref" not in json.dumps(schema)


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(data=payloads(), ids=st.tuples(st.uuids(), st.uuids(), st.uuids()), time=MOMENTS)
def test_what_is_sent_keeps_to_its_schema(
    data: Payload, ids: tuple[UUID, UUID, UUID], time
) -> None:
    """Every message on the wire is valid against envelope and golden schema, and reads back."""
    message = Message.of(
        data, id=ids[0], tenant_id=ids[1], source="test", subject=ids[2], time=time
    )
    event = json.loads(encode(message))
    Draft202012Validator(envelope_schema()).validate(event)
    Draft202012Validator(golden(message.type)).validate(event["data"])
    assert decode(encode(message)) == message


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(data=payloads())
def test_a_field_of_a_later_version_does_no_harm(data: Payload) -> None:
    """A reader that does not know a field reads the rest."""
    richer = {**json.loads(data.model_dump_json()), "a_field_of_tomorrow": {"deep": [1]}}
    assert type(data).model_validate(richer) == data


@settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(data=payloads(), time=MOMENTS, which=st.integers(min_value=0))
def test_a_missing_field_is_named(data: Payload, time, which: int) -> None:
    """A message without a required field is unreadable, and the reason points to it."""
    required = golden(data.type_name)["required"]
    gone = required[which % len(required)]
    ids = UUID(int=1)
    event = json.loads(
        encode(Message.of(data, id=ids, tenant_id=ids, source="t", subject="s", time=time))
    )
    del event["data"][gone]
    with pytest.raises(Unreadable, match=f"/data/{gone}"):
        decode(json.dumps(event).encode())


def test_every_reader_has_a_queue() -> None:
    """Each service the outbox waits for is bound to the type it is waited for."""
    for name, services in CONSUMERS.items():
        key = f"{name.removeprefix('followup.')}."
        bound = {
            queue.service
            for queue in QUEUES
            if any(f"{binding}.".startswith(key) for binding in queue.bindings)
        }
        assert services <= bound, name
