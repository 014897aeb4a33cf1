"""A whole touch from template, person, lead and tenant."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from followup_contracts.commands import SendTouch
from followup_directory import Tenant, TenantSettings
from followup_dispatcher.providers.port import Content
from followup_dispatcher.rendering.composer import Composer, Instant, Occasion, Unrenderable
from followup_dispatcher.rendering.variables import known, variables
from followup_people import ContactPoint, LeadView, PersonView
from followup_policy.segments import is_gsm
from followup_policy.zones import Whereabouts
from followup_suppression import AddressHasher
from followup_suppression.clicks import Click, ClickSigner
from followup_suppression.tokens import LinkClaims, LinkSigner

KEY = b"a key of thirty-two bytes, about"
HASHER = AddressHasher(KEY)
SIGNER = LinkSigner(KEY)
CLICKS = ClickSigner(KEY)
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


def composed(body, *, channel="sms", tenant=TENANT, public_url="https://follow.example/", **more):
    composer = Composer(signer=SIGNER, clicks=CLICKS, hasher=HASHER, public_url=public_url)
    occasion = Occasion(
        command=command(channel),
        person=PERSON,
        lead=LEAD,
        tenant=tenant,
        recipient=EMAIL if channel == "email" else PHONE,
        at=Instant(NOW, Whereabouts(frozenset({"America/Los_Angeles"}), frozenset(), "stated")),
    )
    return composer.compose(body, replace(occasion, **more))


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


def shop(**settings):
    return replace(TENANT, settings=TENANT.settings.model_copy(update=settings))


LETTER = {"subject": "Your roof", "text": "Hi, see https://shop.example/roofs?a=1&b=2."}


def test_a_letter_has_two_forms_with_the_same_words():
    """Plain text alone gets HTML with its paragraphs and links; nothing in it is markup."""
    body = {"subject": "s", "text": "1 < 2 & 3\n\nSee https://shop.example/a."}
    content = composed(body, channel="email")
    assert "<p>1 &lt; 2 &amp; 3</p>" in content.html
    assert '<a href="https://shop.example/a">https://shop.example/a</a>.' in content.html
    assert "1 Main St, Springfield" in content.html
    assert "Unsubscribe" in content.html


def test_style_rules_are_moved_to_where_mail_programs_look():
    """Nothing is fetched, what belongs to no element stays."""
    html = (
        "<style>p{color:red} @media print{p{color:blue}}</style>"
        '<link rel="stylesheet" href="file:///etc/hostname"><p>Hi</p>'
    )
    content = composed({**LETTER, "html": html}, channel="email")
    assert '<p style="color: red;">Hi</p>' in content.html
    assert "@media print" in content.html
    assert "hostname" not in content.html


def test_links_are_not_counted_unless_a_tenant_wants_it():
    """Off by default; on, each leads by a signed token to where it led, and the way out stays."""
    plain = composed(LETTER, channel="email")
    assert "/l/" not in plain.text + plain.html
    counted = composed(LETTER, channel="email", tenant=shop(click_tracking="email"))
    for words in (counted.text, counted.html):
        _, _, rest = words.partition("https://follow.example/l/")
        token = re.match(r"[\w-]+", rest)[0]
        assert CLICKS.verify(token) == Click(
            TENANT.id, UUID(int=5), PERSON.id, "https://shop.example/roofs?a=1&b=2"
        )
    assert counted.text.count("/l/") == 1
    assert "https://follow.example/u/" in counted.text
    text = {"text": "See https://shop.example/x"}
    assert "/l/" not in composed(text, tenant=shop(click_tracking="email")).text
    assert "/l/" in composed(text, tenant=shop(click_tracking="all")).text


def test_letters_of_a_run_answer_one_another_and_say_that_a_machine_wrote_them():
    """RFC 5322 section 3.6.4, RFC 3834 section 5."""
    first = composed(LETTER, channel="email")
    assert first.headers["Auto-Submitted"] == "auto-generated"
    assert "In-Reply-To" not in first.headers
    names = tuple(f"<{n}@shop.example>" for n in range(30))
    later = composed(LETTER, channel="email", thread=names)
    assert later.headers["In-Reply-To"] == "<29@shop.example>"
    named = later.headers["References"].split()
    assert (named[0], named[-1], len(named)) == ("<0@shop.example>", "<29@shop.example>", 10)


def test_without_a_postal_address_no_letter_that_sells_leaves_the_house():
    """15 U.S.C. 7704(a)(5): a reason is given; reminders and the sandbox are free of it."""
    nowhere = shop(postal_address=" ")
    refused = composed(LETTER, channel="email", tenant=nowhere, real=True)
    assert refused.code == "postal_address"
    assert isinstance(composed(LETTER, channel="email", tenant=nowhere), Content)
    assert isinstance(composed(LETTER, channel="email", real=True), Content)
    reminder = command("email").model_copy(update={"transactional": True})
    free = composed(LETTER, channel="email", tenant=nowhere, real=True, command=reminder)
    assert isinstance(free, Content)


def test_texts_are_written_in_the_plain_alphabet_where_a_tenant_wants_it():
    """One segment in place of two, and as it was for others."""
    curly = {"text": "It\u2019s \u201cdone\u201d \u2013 really\u2026 " + "x" * 100}
    assert is_gsm(composed(curly, tenant=shop(plain_texts=True)).text)
    assert not is_gsm(composed(curly).text)
