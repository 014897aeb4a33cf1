"""docs/reference/openapi.json is current, valid, and tells of every refusal."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

ROOT = Path(__file__).resolve().parents[2]
WRITTEN = json.loads((ROOT / "docs/reference/openapi.json").read_text())
SHOW = """
import json, sys
sys.path.insert(0, "tools")
import reference
print(json.dumps(reference.openapi()))
"""
OPERATIONS = [
    (path, method, operation)
    for path, methods in WRITTEN["paths"].items()
    for method, operation in methods.items()
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    """What the app of everything says of itself, and then that of each service."""
    shown = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", SHOW],
        cwd=ROOT,
        env={"FOLLOWUP_DATA_DIR": str(tmp_path_factory.mktemp("data"))},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(shown.stdout)


def test_the_document_is_current(made) -> None:
    """After a change of routes or of their bodies: make reference."""
    assert made[0] == WRITTEN


def test_every_document_is_one(made) -> None:
    """OpenAPI 3.1, of all services together and of each alone."""
    assert [document["openapi"] for document in made] == ["3.1.0"] * 5
    for document in made:
        assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


def test_services_together_are_what_each_is_alone(made) -> None:
    """No route of one hides another's, and no shape of one is taken for another's."""
    whole, *parts = made
    assert whole["paths"] == {
        path: methods for part in parts for path, methods in part["paths"].items()
    }


@pytest.mark.parametrize(
    ("path", "method", "operation"), OPERATIONS, ids=[f"{m} {p}" for p, m, _ in OPERATIONS]
)
def test_a_route_says_how_it_refuses(path, method, operation) -> None:
    """By what it is asked with; and as problem details."""
    del method
    said = set(operation["responses"])
    wanted = {"400", "503"}
    if operation["security"]:
        (scopes,) = (needed["key"] for needed in operation["security"])
        assert len(scopes) == 1
        wanted |= {"401", "403", "429"}
    if "{" in path:
        wanted.add("404")
    if "requestBody" in operation:
        wanted |= {"408", "413", "415", "422"}
    assert wanted <= said
    assert any(status < "400" for status in said)
    assert operation["summary"]
    assert operation["description"]


def _shapeless(schema: dict) -> bool:
    """Whether nothing is said of what is in an object, or in the items of a list."""
    if "$ref" in schema:
        return False
    if schema.get("type") == "array":
        return _shapeless(schema.get("items", {}))
    if "anyOf" in schema:
        return any(_shapeless(each) for each in schema["anyOf"])
    if schema.get("type") != "object":
        return "type" not in schema
    within = schema.get("additionalProperties")
    return not schema.get("properties") and not (isinstance(within, dict) and within)


@pytest.mark.parametrize(
    ("path", "method", "operation"), OPERATIONS, ids=[f"{m} {p}" for p, m, _ in OPERATIONS]
)
def test_an_answer_in_json_has_a_shape(path, method, operation) -> None:
    """Its fields are named, so that generators of clients make types of them."""
    del path, method
    for status, answer in operation["responses"].items():
        if status < "300":
            content = answer.get("content", {})
            assert not _shapeless(content.get("application/json", {}).get("schema", {"type": ""}))


def test_names_of_operations_are_their_own() -> None:
    """Generators of clients make functions of them."""
    names = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() for name in names)


def test_whoever_needs_no_key_knows_something_else() -> None:
    """Only links, pages and vendors come without one, with a token in the address."""
    keyless = {path for path, _, operation in OPERATIONS if not operation["security"]}
    assert keyless
    assert all("{token}" in path for path in keyless)
