"""A whole touch from template, person, lead and tenant."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from followup_contracts.commands import SendTouch
from followup_directory import Tenant, TenantSettings
from followup_dispatcher.providers.port import Content
from followup_dispatcher.rendering.composer import Composer, Unrenderable
from followup_dispatcher.rendering.variables import known, variables
from followup_people import ContactPoint, LeadView, PersonView
from followup_suppression import AddressHasher
from followup_suppression.tokens import LinkClaims, LinkSigner

KEY = b"a key of thirty-two bytes, about"
HASHER = AddressHasher(KEY)
SIGNER = LinkSigner(KEY)
NOW = datetime(2026, 3, 3, 17, 0, tzinfo=UTC)
TENANT = Tenant(
    id=UUID(int=1),
    slug="shop",
    name="Shop Ltd",
    state="active",
    settings=TenantSettings(
        business_name="Roof & Co",
        agent_name="Ray",
        postal_address="1 Main St, Springfield",
        booking_link="https://book.example/ray",
        callback_number="+14155550100",
    ),
)
EMAIL = ContactPoint(kind="email", address="Dana@lead.example", state="usable", created_at=NOW)
PHONE = ContactPoint(kind="phone", address="+14155550123", state="usable", created_at=NOW)
PERSON = PersonView(
    id=UUID(int=3),
    tenant_id=TENANT.id,
    first_name="Dana",
    last_name="Reyes",
    language=None,
    audience="b2c",
    place={"city": " "},
    attributes={"nickname": "Dee", "first_name": "overridden"},
    points=(PHONE, EMAIL),
    consent={},
)
LEAD = LeadView(
    id=UUID(int=4),
    tenant_id=TENANT.id,
    person_id=PERSON.id,
    source="web_form",
    external_id=None,
    asked=True,
    need="a new roof",
    value=Decimal("1200.00"),
    currency=None,
    attributes={"appointment": {"id": "a1", "starts_at": "2026-03-05T10:00:00-08:00"}, "x": ""},
    received_at=NOW,
    state="open",
)


def command(channel):
    return SendTouch(
        touch_id=UUID(int=5),
        enrollment_id=UUID(int=6),
        lead_id=LEAD.id,
        person_id=PERSON.id,
        channel=channel,
        lane="now",
        round=1,
        epoch=0,
        sequence="d1",
        version=1,
        step="day-0",
        contact_round="1",
        template="hash-of-the-body",
        due_at=NOW,
    )


def composed(body, *, channel="sms", tenant=TENANT, public_url="https://follow.example/"):
    composer = Composer(signer=SIGNER, hasher=HASHER, public_url=public_url)
    return composer.compose(
        body,
        command=command(channel),
        person=PERSON,
        lead=LEAD,
        tenant=tenant,
        recipient=EMAIL if channel == "email" else PHONE,
    )


def test_a_text_is_its_words_alone():
    """No footer, no headers: every variable from its place."""
    content = composed(
        {
            "text": "{{ person.first_name }} {{ person.nickname }} {{ person.full_name }} "
            "{{ lead.need }} {{ lead.value }} {{ business.agent }} {{ links.book }} "
            "{{ lead.appointment.starts_at | date: '%A %-I %p' }} {{ step }} {{ sequence }}"
        }
    )
    assert content == Content(
        "Dana Dee Dana Reyes a new roof 1200 Ray https://book.example/ray Thursday 10 AM day-0 d1"
    )


def test_an_e_mail_has_a_way_out_that_names_person_touch_and_address():
    """In footer and headers, the same link."""
    content = composed(
        {"subject": "Your roof", "text": "Hi {{ person.first_name }}"}, channel="email"
    )
    assert isinstance(content, Content)
    link = content.headers["List-Unsubscribe"].strip("<>")
    assert content.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert content.text == (
        f"Hi Dana\n\n-- \nRoof & Co, 1 Main St, Springfield\nUnsubscribe: {link}"
    )
    base, _, token = link.rpartition("/u/")
    assert base == "https://follow.example"
    assert SIGNER.verify(token) == LinkClaims(
        "unsubscribe",
        TENANT.id,
        UUID(int=5),
        PERSON.id,
        HASHER.hash("email", "dana@lead.example"),
    )


def test_a_tenants_own_address_for_links_goes_first():
    """Its brand, not the installation's."""
    settings = TENANT.settings.model_copy(update={"public_url": "https://links.shop.example"})
    content = composed(
        {"text": "{{ links.unsubscribe }}"}, tenant=replace(TENANT, settings=settings)
    )
    assert isinstance(content, Content)
    assert content.text.startswith("https://links.shop.example/u/")


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("{{ person.city }}", "person.city"),
        ("{{ lead.currency }}", "lead.currency"),
        ("{{ lead.attributes.x }}", "lead.attributes.x"),
        ("{{ links.unsubscribe }}", "links.unsubscribe"),
    ],
)
def test_what_is_blank_or_unknown_is_missing(template, name):
    """A city of blanks is no city; without a public address there is no link."""
    answer = composed({"text": template}, public_url="")
    assert answer == Unrenderable("missing_variable", name)


def test_a_template_sees_plain_values_only():
    """No object of ours, no endless depth, no None."""
    deep: dict[str, object] = {}
    deep["again"] = deep
    values = known({"a": object(), "b": [1, None, object()], "c": deep, "d": b"x", "e": True})
    assert values["b"] == [1]
    assert values["e"] is True
    assert set(values) == {"b", "c", "e"}
    assert str(values["c"]).count("again") < 10


def test_variables_never_hold_more_than_they_promise():
    """Consent, addresses and ids of the person are not for templates."""
    whole = variables(
        person=PERSON, lead=LEAD, business=TENANT.settings, links={}, step="s", sequence="q"
    )
    assert set(whole) == {"person", "lead", "business", "links", "step", "sequence"}
    assert PHONE.address not in str(whole["person"])
    assert EMAIL.address not in str(whole)
