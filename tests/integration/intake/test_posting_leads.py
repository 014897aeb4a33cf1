import asyncio
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from followup_contracts.events import LeadCaptured

JSON = {"Content-Type": "application/json"}


async def test_a_lead_is_kept_and_announced(intake, ada):
    """201 with its ids; the announcement carries no personal data."""
    answer = await intake.post(json=ada)

    assert answer.status_code == 201, answer.text
    body = answer.json()
    (row,) = await intake.leads()
    assert UUID(body["lead_id"]) == row["id"]
    assert (body["merged"], body["repeated"]) == (False, False)
    (captured,) = await intake.events()
    assert isinstance(captured, LeadCaptured)
    assert (captured.lead_id, captured.lane, captured.asked) == (row["id"], "now", True)
    assert "Ada" not in captured.model_dump_json()
    (point,) = await intake.rows("SELECT address FROM people.contact_points WHERE kind = 'phone'")
    assert point["address"] == "+12125550123"
    shown = await intake.get(f"/v1/leads/{row['id']}")
    assert shown.json()["need"] == "a new roof"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"phone": "12", "email": None}, "/phone"),
        ({"phone": None, "email": "nobody"}, "/email"),
        ({"phone": None, "email": None}, "/phone"),
        ({"colour": "blue"}, "/colour"),
        ({"first_name": 7}, "/first_name"),
        ({"attributes": {"deep": {"er": 1}}}, "/attributes/deep"),
        ({"sequence": "No Such Key!"}, "/sequence"),
        ({"zone": "Mars/Olympus"}, "/zone"),
        ({"received_at": "soon"}, "/received_at"),
        ({"currency": "dollars"}, "/currency"),
        ({"notes": "x" * 10_001}, "/notes"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
async def test_a_wrong_lead_is_refused_with_a_pointer_to_the_field(
    intake, ada, pointers, change, pointer
):
    """422 as a problem; nothing is kept of it."""
    answer = await intake.post(json=ada | change)

    assert answer.status_code == 422
    assert any(found.startswith(pointer) for found in pointers(answer))
    assert await intake.leads() == []
    assert await intake.events() == []


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b'{"phone": ', JSON, 400),
        (b"", JSON, 422),
        (b"[]", JSON, 422),
        (b"null", JSON, 422),
        (b'"lead"', JSON, 422),
        (b'{"first_name": "\xff\xfe"}', JSON, 400),
        (b'{"first_name": "\\ud800"}', JSON, 400),
        (b'{"first_name": "A\\u0000da"}', JSON, 400),
        (b'{"value": NaN}', JSON, 400),
        (b"[" * 5_000, JSON, 400),
        (b'{"notes": "' + b"x" * (1024 * 1024) + b'"}', JSON, 413),
        (b"phone=1", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        (b"<lead/>", {"Content-Type": "text/xml"}, 415),
        (b'{"first_name": "Ada"}', {"Content-Type": "text/plain"}, 415),
        (b'{"first_name": "A\\u0000da", "phone": "+12125550123"}', {}, 415),
    ],
    ids=[
        "torn",
        "nothing",
        "a list",
        "null",
        "a text",
        "no UTF-8",
        "half a pair",
        "NUL",
        "NaN",
        "deep",
        "large",
        "a form",
        "XML",
        "plain",
        "undeclared",
    ],
)
async def test_what_is_no_lead_at_all_is_turned_away(intake, content, headers, status):
    """Never 500, never half done."""
    answer = await intake.post(content=content, headers=headers)

    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert await intake.leads() == []


async def test_a_body_without_end_is_cut_off(intake):
    """Without a declared length the limit counts what arrives."""

    async def endless():
        yield b'{"notes": "'
        for _ in range(40):
            yield b"x" * 65_536

    answer = await intake.post(content=endless(), headers=JSON)
    assert answer.status_code == 413


@pytest.mark.parametrize("headers", [{"Authorization": "Bearer nonsense"}, {"Authorization": ""}])
async def test_without_a_good_key_nothing_is_read(intake, ada, headers):
    """401, whatever the body."""
    answer = await intake.client.post("/v1/leads", json=ada, headers=headers)
    assert answer.status_code == 401
    assert await intake.leads() == []


async def test_an_external_id_stands_for_one_lead(intake, ada):
    """Sent again it is the same lead with 200, and nobody is told a second time."""
    first = await intake.post(json=ada | {"external_id": "crm-1"})
    again = await intake.post(json=ada | {"external_id": "crm-1", "need": "another"})

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["lead_id"] == first.json()["lead_id"]
    assert again.json()["repeated"] is True
    assert len(await intake.leads()) == 1
    assert len(await intake.events()) == 1


async def test_a_second_enquiry_is_a_lead_of_the_same_person(intake, ada):
    """Another lead without an id of its own is a new enquiry, merged into the person."""
    first = await intake.post(json=ada)
    second = await intake.post(json={"phone": ada["phone"], "need": "gutters"})

    assert second.status_code == 201
    assert second.json()["merged"] is True
    assert second.json()["person_id"] == first.json()["person_id"]
    assert second.json()["lead_id"] != first.json()["lead_id"]


async def test_an_idempotency_key_gives_the_first_answer_again(intake, ada):
    """The same request under the same key is carried out once."""
    key = {"Idempotency-Key": "k-1"}
    first = await intake.post(json=ada, headers=key)
    again = await intake.post(json=ada, headers=key)

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert len(await intake.leads()) == 1


async def test_an_idempotency_key_for_another_body_is_refused(intake, ada, pointers):
    """422, pointing at the header; nothing is done."""
    key = {"Idempotency-Key": "k-1"}
    await intake.post(json=ada, headers=key)
    reused = await intake.post(json=ada | {"need": "gutters"}, headers=key)

    assert reused.status_code == 422
    assert pointers(reused) == ["Idempotency-Key:"]
    assert len(await intake.leads()) == 1


async def test_a_refused_request_does_not_use_up_its_key(intake, ada):
    """What was refused may be mended and sent under the same key."""
    key = {"Idempotency-Key": "k-1"}
    refused = await intake.post(json=ada | {"zone": "Mars/Olympus"}, headers=key)
    mended = await intake.post(json=ada, headers=key)
    assert (refused.status_code, mended.status_code) == (422, 201)


async def test_the_same_key_at_once_is_carried_out_once(intake, ada):
    """Whoever loses the race is given the winner's answer."""
    key = {"Idempotency-Key": "k-2"}
    answers = await asyncio.gather(*(intake.post(json=ada, headers=key) for _ in range(5)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["lead_id"] for answer in answers}) == 1
    assert len(await intake.leads()) == 1


async def test_keys_and_external_ids_belong_to_their_tenant(intake, ada):
    """Two tenants may use the same words and see nothing of each other."""
    key, body = {"Idempotency-Key": "k-1"}, ada | {"external_id": "crm-1"}
    ours = await intake.post(json=body, headers=key)
    theirs = await intake.post(json=body, headers=key, token=intake.other_token)

    assert (ours.status_code, theirs.status_code) == (201, 201)
    assert ours.json()["lead_id"] != theirs.json()["lead_id"]
    lead = f"/v1/leads/{ours.json()['lead_id']}"
    assert (await intake.get(lead)).status_code == 200
    assert (await intake.get(lead, token=intake.other_token)).status_code == 404
    event = {"kind": "lead.converted"}
    told = await intake.post(f"{lead}/events", json=event, token=intake.other_token)
    assert told.status_code == 404
    (row,) = await intake.rows(
        "SELECT state FROM people.leads WHERE id = :id", id=ours.json()["lead_id"]
    )
    assert row["state"] == "open"


TELLING = st.sampled_from(
    [
        "+12125550123",
        "ada@example.com",
        "2026-03-01",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
        "2026-03-01T10:00:00",
        "1e400",
        "NaN",
        "-Infinity",
        "$1,000,000,000,000,000,000",
        "US",
        "\u202e\u0661\u0662",
        "\U0001f600" * 40,
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**80), max_value=2**80)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=40)
    | TELLING
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
WORDS = st.text(max_size=40) | TELLING
LIKELY = st.fixed_dictionaries(
    {"phone": st.just("+12125550123") | WORDS},
    optional=dict.fromkeys(("name", "first_name", "last_name", "email", "source"), WORDS)
    | dict.fromkeys(("need", "city", "state", "postal_code", "country", "notes"), WORDS)
    | {
        "zone": st.sampled_from(["America/New_York", "localtime", "../etc/passwd"]) | WORDS,
        "consent": st.booleans() | st.sampled_from(["yes", "no", "unknown"]) | WORDS,
        "consent_page": WORDS,
        "value": st.floats(allow_nan=False) | st.integers(-(2**80), 2**80) | WORDS,
        "currency": st.sampled_from(["USD", "eur", "", "€", "\x7f"]),
        "audience": st.sampled_from(["b2b", "b2c"]),
        "received_at": TELLING | st.datetimes().map(str) | st.integers(-(2**62), 2**62),
        "external_id": st.text(min_size=1, max_size=255),
        "sequence": st.sampled_from(["d1", "none"]),
        "attributes": st.dictionaries(st.text(max_size=12), SCALARS, max_size=4),
    },
)
BODIES = LIKELY | VALUES | st.dictionaries(st.sampled_from(["phone", "email", "value"]), VALUES)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(bodies=st.lists(BODIES, min_size=1, max_size=4))
def test_no_body_makes_a_500(steady, bodies):
    """Any JSON is a lead or a problem of the caller's: 2xx or 4xx, over both routes."""
    for answer in steady(bodies):
        assert answer.status_code < 500, answer.text
