import httpx
import pytest
from fastapi import APIRouter, Request
from hypothesis import given
from hypothesis import strategies as st

from followup_runtime.app import create_app
from followup_runtime.databases import Databases
from followup_runtime.limits import DEFAULT_BYTES, nul_in
from followup_runtime.metrics import Metrics
from followup_runtime.service import Service

NOWHERE = "postgresql://nobody@127.0.0.1:9/none"

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=12,
)


@pytest.fixture
async def http():
    router = APIRouter()

    @router.post("/file")
    async def file(request: Request) -> int:
        return len(await request.body())

    databases = Databases.open(NOWHERE)
    service = Service("sample", router, body_limits={"/file": 3 * DEFAULT_BYTES})
    transport = httpx.ASGITransport(create_app([service], databases, Metrics()))
    async with httpx.AsyncClient(transport=transport, base_url="http://sample") as client:
        yield client
    await databases.close()


async def test_a_route_for_files_takes_no_larger_json(http):
    """JSON is read whole before any key is checked, so no route's own limit counts for it."""
    body = b'"' + b"a" * DEFAULT_BYTES + b'"'
    sent = await http.post("/file", content=body, headers={"content-type": "application/json"})
    assert sent.status_code == 413
    as_file = await http.post("/file", content=body, headers={"content-type": "text/csv"})
    assert (as_file.status_code, as_file.json()) == (200, len(body))


async def test_a_nul_is_found_as_deep_as_json_may_be(http):
    """A document as deep as the parser takes is still a bad request, not our fault."""
    body = b"[" * 1000 + b'"\\u0000"' + b"]" * 1000
    answer = await http.post("/file", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/0" * 1000


@given(values)
def test_the_first_nul_is_the_one_that_is_named(value):
    """As a search in the order of the document finds it."""
    assert nul_in(value) == _first(value, "")


def _first(value, pointer):
    if isinstance(value, str):
        return pointer if "\0" in value else None
    if isinstance(value, dict):
        if any("\0" in key for key in value):
            return pointer
        parts = [(key.replace("~", "~0").replace("/", "~1"), v) for key, v in value.items()]
    elif isinstance(value, list):
        parts = [(str(index), v) for index, v in enumerate(value)]
    else:
        return None
    found = (_first(v, f"{pointer}/{part}") for part, v in parts)
    return next((place for place in found if place is not None), None)
