"""Bodies of vendors and forms, as hostile as they come, and rules over attributes."""

import json
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup_directory import AttributeRule, RoutingRule
from followup_intake.core.attributes import UNFIT, Schema, Unfit, checked, fitted
from followup_intake.core.lead import LeadDraft
from followup_intake.core.normalise import normalise_lead
from followup_intake.core.routing import choose
from followup_intake.core.vendors import form, google, meta, typeform
from followup_intake.core.vendors.answers import Rules, Sent, as_fields

RULES = Rules("web_form")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
NAMES = (
    *("entry", "changes", "field", "value", "leadgen", "leadgen_id", "field_data", "name"),
    *("values", "id", "created_time", "lead_id", "user_column_data", "column_id", "answers"),
    *("string_value", "form_response", "token", "definition", "fields", "type", "hidden"),
    *("choice", "choices", "labels", "event_type"),
)
BODIES = st.dictionaries(
    st.sampled_from(NAMES),
    st.recursive(
        JSON,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
        ),
        max_leaves=8,
    ),
    max_size=6,
)


@given(BODIES)
def test_no_body_makes_a_reader_fail(body):
    """Whatever a vendor's body holds it is a lead, a test, or unreadable in words."""
    assert all(each.isdecimal() for each in meta.lead_ids(body))
    whole = {**body, "event_type": "form_response"}
    for read in (meta.read_lead(body, RULES), google.read_lead(body, RULES)):
        if isinstance(read, Sent):
            normalise_lead(read.fields, today=date(2026, 11, 18))
    read = typeform.read_lead(whole, RULES)
    if isinstance(read, Sent):
        normalise_lead(read.fields, today=date(2026, 11, 18))


@given(
    st.sampled_from(
        [
            "application/json",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=a",
            "multipart/form-data; boundary=",
            "multipart/form-data",
            "text/plain",
        ]
    ),
    st.binary(max_size=200)
    | st.builds(lambda x: b"--a\r\n" + x + b"\r\n--a--", st.binary(max_size=120))
    | JSON.map(lambda value: json.dumps(value).encode()),
)
def test_no_form_makes_its_reader_fail(kind, body):
    """Whatever is posted it is fields, or unreadable in words."""
    sent = form.read_body(kind, body)
    if isinstance(sent, list):
        read = form.read_lead(sent, RULES, honeypot="website_url")
        if isinstance(read, Sent):
            assert "\0" not in str(read.fields)


def test_what_was_mapped_stands_before_what_a_heading_says():
    """A mapping decides, then words; the rest are attributes; a source is not theirs to say."""
    rules = Rules("referral", {"Q1": "need", "Phone": "ignore", "Budget": "attribute:money"})
    answers = [
        ("Q1", "roof"),
        ("Phone", "1"),
        ("Budget", "9"),
        ("E-mail", "a@example.com"),
        ("x", "y"),
    ]
    assert as_fields([*answers, ("source", "cold call")], rules) == {
        "source": "referral",
        "need": "roof",
        "email": "a@example.com",
        "attributes": {"money": "9", "x": "y"},
    }


@pytest.mark.parametrize(
    ("rule", "given", "read"),
    [
        ({"type": "number"}, "12.5", 12.5),
        ({"type": "number"}, "12", 12),
        ({"type": "number"}, True, None),
        ({"type": "number"}, "1e400", None),
        ({"type": "number"}, "NaN", None),
        ({"type": "integer"}, 3.0, 3),
        ({"type": "integer"}, "3.5", None),
        ({"type": "boolean"}, "Yes", True),
        ({"type": "boolean"}, False, False),
        ({"type": "boolean"}, "maybe", None),
        ({"type": "date"}, "2026-02-28", "2026-02-28"),
        ({"type": "date"}, "2026-02-30", None),
        ({"type": "choice", "choices": ("Red", "Blue")}, "red", "Red"),
        ({"type": "choice", "choices": ("Red", "Blue")}, "green", None),
        ({"type": "text"}, "anything", "anything"),
        ({"type": "text"}, 7, None),
    ],
)
def test_an_attribute_is_read_as_its_type_or_refused(rule, given, read):
    """Never something in between."""
    found = checked({"a": AttributeRule(**rule)}, {"a": given}, strict=False)
    if read is None:
        assert isinstance(found, list)
        assert [each.name for each in found] == ["a"]
    else:
        assert found == {"a": read}


def test_a_required_attribute_may_be_missing_from_a_change_alone():
    """Not from a lead, and not be emptied."""
    schema = {"a": AttributeRule(required=True)}
    assert checked(schema, {}, strict=False) == [Unfit("a", "it is required")]
    assert checked(schema, {}, strict=False, whole=False) == {}
    emptied = checked(schema, {"a": ""}, strict=False, whole=False)
    assert isinstance(emptied, list)


@given(st.decimals(0, 10**6, places=2), st.decimals(0, 10**6, places=2))
def test_a_value_reaches_a_rule_from_its_limit_on(limit, value):
    """Exactly, to the cent."""
    rules = [RoutingRule(sequence="vip", value_from=limit)]
    routed = choose(rules, LeadDraft(value=Decimal(value)), audience="b2c")
    assert (routed.sequence == "vip") == (value >= limit)
    assert routed.looked[0].fits == (routed.sequence is not None)


@given(
    st.dictionaries(st.sampled_from("abcd"), st.text(max_size=5)),
    st.dictionaries(
        st.sampled_from("abc"),
        st.builds(
            AttributeRule,
            type=st.sampled_from(["text", "number", "integer", "boolean", "date"]),
            required=st.booleans(),
        ),
    ),
    st.booleans(),
)
def test_no_text_of_an_attribute_is_lost_and_none_lies_about_its_type(texts, rules, strict):
    """Each that says something is read as its schema has it, or stands apart and is named."""
    read, unfit = fitted(Schema(rules, strict=strict), texts)
    apart = read.pop(UNFIT, {})
    if rules or strict:
        assert read.keys() | apart.keys() == {name for name, said in texts.items() if said.strip()}
    assert not read.keys() & apart.keys()
    assert apart.keys() <= {each.name for each in unfit}
    assert all(texts[name] == said for name, said in apart.items())
    assert isinstance(checked(rules, read, strict=strict, whole=False), dict)
    assert not strict or read.keys() <= rules.keys()
