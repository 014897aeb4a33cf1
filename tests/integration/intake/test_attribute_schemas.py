"""A tenant's schema of custom attributes holds in every way a lead can come in."""

import json

import pytest

CSV = {"Content-Type": "text/csv"}
SCHEMA = {
    "attributes": {
        "rooms": {"type": "integer", "required": True},
        "kind": {"type": "choice", "choices": ["House", "Flat"]},
    },
    "strict": True,
}
FILE = (
    "First Name,Phone,Source,rooms,kind,pets\n"
    "Ada,(212) 555-0123,Website,4,flat,\n"
    "Grace,+1 415 555 0199,Website,many,House,two\n"
    "Edsger,+1 415 555 0198,Website,,,\n"
)


@pytest.fixture
async def held(intake):
    """Intake with the schema set."""
    headers = {"Authorization": f"Bearer {intake.token}"}
    answer = await intake.client.put("/v1/attributes", json=SCHEMA, headers=headers)
    assert answer.status_code == 200
    return intake


async def test_rows_of_a_file_are_read_by_it_and_warned_of(held):
    """What fits has its type, what does not stands apart; no row is lost. The preview says so."""
    seen = await held.post("/v1/leads/import/preview", content=FILE.encode(), headers=CSV)
    assert seen.status_code == 200, seen.text
    assert [row["reason"] for row in seen.json()["rows"]][1:] == ["bad_attribute"] * 2

    answer = await held.post("/v1/leads/import", content=FILE.encode(), headers=CSV)
    assert (answer.json()["accepted"], answer.json()["reasons"]["bad_attribute"]) == (3, 2)
    leads = {str(lead["attributes"]) for lead in await held.leads()}
    assert leads == {
        str({"kind": "Flat", "rooms": 4}),
        str({"kind": "House", "_unfit": {"pets": "two", "rooms": "many"}}),
        str({}),
    }


async def test_a_forms_lead_is_kept_whatever_its_attributes(held):
    """Who filled it in cannot mend them: what does not fit stands apart."""
    body = {"kind": "form", "name": "site"}
    url = (await held.post("/v1/sources", json=body)).json()["url"].removeprefix("http://intake")
    fields = {"name": "Ada", "email": "ada@example.com", "rooms": "3", "kind": "castle"}
    assert (await held.client.post(url, json=fields)).status_code < 300
    (lead,) = await held.leads()
    assert lead["attributes"] == {"rooms": 3, "_unfit": {"kind": "castle"}}


async def test_lines_of_a_batch_are_refused_each_with_its_pointer(held):
    """Who sent them can mend them."""
    lines = (
        b'{"phone": "+12125550123", "attributes": {"rooms": "many"}}\n'
        b'{"phone": "+12125550124", "attributes": {"rooms": 2}}\n'
    )
    headers = {"Content-Type": "application/x-ndjson"}
    answer = await held.post("/v1/leads/batch", content=lines, headers=headers)
    told = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["status"] for line in told] == ["refused", "accepted"]
    assert told[0]["errors"][0]["pointer"] == "/attributes/rooms"


async def test_a_schema_says_why_a_lead_would_get_no_sequence(held, ada):
    """A test of routing takes the lead as a post would."""
    answer = await held.post("/v1/routing/test", json=ada)
    assert (answer.json()["sequence"], answer.json()["why"]) == (None, "it is required")
