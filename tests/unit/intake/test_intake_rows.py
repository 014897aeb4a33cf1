"""Verdicts on rows and on JSON leads."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup_intake.core.errors import NotATable
from followup_intake.core.normalise import normalise_lead, normalise_rows
from followup_intake.core.table import read_table

TODAY = date(2026, 6, 15)
HEADER = "Name,Email,Phone,Source,State,ZIP,Country,Date,Consent,Value,Notes"
GOOD = "Sam Lake,sam@example.com,312-555-0134,FB,IL,60601,US,2026-03-09,yes,$900,fine"


def _rows(*lines, header=HEADER):
    table = read_table("\n".join((header, *lines, "")).encode())
    return list(normalise_rows(table, today=TODAY))


def _row(line):
    return _rows(line)[0]


def test_a_good_row_is_accepted_whole():
    """Every field comes out normalised."""
    result = _row(GOOD)
    lead = result.lead
    assert (result.row, result.verdict, result.reason) == (1, "accept", "ok")
    assert (lead.first_name, lead.last_name, lead.phone_e164) == ("Sam", "Lake", "+13125550134")
    assert (lead.email_normalized, lead.source, lead.consent) == (
        "sam@example.com",
        "facebook_lead_ad",
        "yes",
    )
    assert (lead.country, lead.state, lead.postal_code) == ("US", "IL", "60601")
    assert lead.zones == ("America/Chicago",)
    assert (str(lead.value), lead.currency, lead.notes) == ("900", "USD", "fine")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (GOOD.replace("sam@example.com", ""), "phone_only"),
        (GOOD.replace("312-555-0134", ""), "email_only"),
        (GOOD.replace("312-555-0134", "12345"), "bad_phone_kept_email"),
        (GOOD.replace("sam@example.com", "sam@"), "bad_email_kept_phone"),
        (GOOD.replace("312-555-0134", "999-555-0134"), "phone_possible_only"),
        (GOOD.replace("312-555-0134", "312-555-0134 or 312-555-0135"), "two_phones"),
        (GOOD.replace("sam@example.com", "sam@example.com sam@example.org"), "two_emails"),
        (GOOD.replace("fine", "fi\x00ne"), "control_char"),
        (GOOD.replace("Sam Lake", ""), "no_name"),
        (GOOD.replace("2026-03-09", "2036-03-09"), "future_date"),
        (GOOD.replace("2026-03-09", "03/04/2026"), "ambiguous_date"),
        (GOOD.replace("2026-03-09", "soon"), "bad_date"),
        (GOOD.replace("2026-03-09", ""), "missing_date"),
        (GOOD.replace("60601", "10001"), "state_zip_mismatch"),
        (GOOD.replace("60601", "0"), "bad_postal_code"),
        (GOOD.replace("FB", "TV"), "unknown_source"),
        (GOOD.replace("$900", "lots"), "bad_value"),
        ("Sam Lake,sam@example.com,(800) 555-0134,FB,,,US,2026-03-09,yes,,", "no_zone"),
    ],
)
def test_each_warning_has_its_name(line, reason):
    """One fault, one warning; the lead is kept."""
    result = _row(line)
    assert result.lead is not None
    assert result.reason == reason
    assert result.other_reasons == ()


@pytest.mark.parametrize(
    ("line", "reason", "others"),
    [
        ("Sam,,,FB,IL,60601,US,,,,", "no_contact_point", ()),
        ("Sam,sam@,12345,FB,IL,60601,US,,,,", "no_contact_point", ("bad_phone", "bad_email")),
        ("Sam,n/a,-,FB,IL,60601,US,,,,", "no_contact_point", ("bad_phone", "bad_email")),
        (",,,,,,,,,,", "blank_row", ()),
        ("", "blank_row", ()),
        (HEADER, "repeated_header", ()),
        ("Exported 6/15/2026", "ragged_row", ()),
        ("Sam Lake,sam@example.co", "ragged_row", ()),
        ("Lake, Sam,sam@example.com,,,,,,,,,", "ragged_row", ("shifted",)),
        ("Sam,sam@example.com,,TV, or so,,,,2026-03-09,,,", "ragged_row", ("shifted",)),
        (
            "Lake, Sam,sam@example.com,312-555-0134,FB,IL,60601,US,2026-03-09,yes,$900,x",
            "ragged_row",
            ("shifted",),
        ),
        (
            "<test lead: dummy data for name>,test@example.com,<test lead: x>,FB,,,,,,,",
            "no_contact_point",
            ("bad_phone", "bad_email"),
        ),
    ],
)
def test_what_is_rejected_and_why(line, reason, others):
    """Nobody can be reached, or it is no lead."""
    result = _row(line)
    assert (result.verdict, result.reason, result.other_reasons) == ("reject", reason, others)
    assert result.lead is None


def test_a_ragged_row_whose_cells_stand_right_is_kept():
    """A short one, one with blank cells behind, one whose notes had commas."""
    short, blank, commas = _rows(
        "Sam Lake,sam@example.com,312-555-0134,FB,IL,60601,US,2026-03-09",
        "Ann Lake,ann@example.com,312-555-0135,FB,IL,60601,US,2026-03-09,yes,$900,,,,",
        "Bob Lake,bob@example.com,312-555-0136,FB,IL,60601,US,2026-03-09,yes,$900,call, then text",
    )
    assert {r.reason for r in (short, blank, commas)} == {"ragged_row"}
    assert commas.lead.notes == "call, then text"


def test_repairs_are_noted_and_are_no_warning():
    """The row is accepted, the note stays."""
    result = _row(
        GOOD.replace("312-555-0134", "3125550134.0")
        .replace("sam@e", "<sam@e")
        .replace("com,3", "com>,3")
    )
    assert (result.verdict, result.reason) == ("accept", "ok")
    assert result.other_reasons == ("phone_repaired", "email_repaired")


def test_warnings_stand_in_order_of_weight():
    """The first is the reason, repairs come last."""
    result = _row("Acme Motors LLC,sam@,3125550134.0,TV,IL,60601,US,,yes,lots,")
    assert result.reason == "bad_email_kept_phone"
    assert result.other_reasons == (
        "no_name",
        "missing_date",
        "unknown_source",
        "bad_value",
        "phone_repaired",
    )


def test_later_rows_of_a_person_name_the_first():
    """By phone, by address whatever its case and tag, or through a row that has both."""
    results = _rows(
        "Sam Lake,sam@example.com,,FB,IL,60601,US,2026-03-09,yes,,",
        "Sam Lake,,312-555-0134,FB,IL,60601,US,2026-03-09,yes,,",
        "S Lake,SAM+x@Example.com,312-555-0134,FB,IL,60601,US,2026-03-09,yes,,",
        "Someone,,(312) 555-0134,FB,IL,60601,US,2026-03-09,yes,,",
        "Sam Lake,other@example.com,,FB,IL,60601,US,2026-03-09,yes,,",
    )
    assert [r.duplicate_of for r in results] == [None, None, 1, 1, None]
    assert results[2].reason == "duplicate"


def test_a_rejected_row_is_nobodys_first():
    """Only leads that were kept can have duplicates."""
    shifted = "Lake, Sam,sam@example.com,312-555-0134,FB,IL,60601,US,2026-03-09,yes,$900,x"
    assert [r.duplicate_of for r in _rows(shifted, GOOD)] == [None, None]


def test_the_export_of_an_ad_platform_is_read():
    """Prefixes, questions for headings, the platform as source."""
    export = {
        "id": "l:123",
        "created_time": "2026-03-09T10:00:00-05:00",
        "platform": "ig",
        "what_do_you_need_help_with?": "kitchen_remodel",
        "full_name": "sam lake",
        "email": "sam@example.com",
        "phone_number": "p:+13125550134",
        "country": "us",
        "may_we_call_or_text_you?": "yes",
        "lead_status": "complete",
    }
    header, row = "\t".join(export), "\t".join(export.values())
    table = read_table(f"{header}\n{row}\n".encode("utf-16"))
    lead = next(iter(normalise_rows(table, today=TODAY))).lead
    assert (lead.external_id, lead.source, lead.need) == (
        "123",
        "instagram_lead_ad",
        "kitchen remodel",
    )
    assert (lead.first_name, lead.phone_e164, lead.consent) == ("Sam", "+13125550134", "yes")
    assert lead.attributes == {"lead_status": "complete"}


def test_a_json_lead_is_judged_by_the_same_rules():
    """Absent fields are not missed; numbers, booleans and nulls are understood."""
    fields = {
        "name": "Sam Lake",
        "phone": 3125550134,
        "source": "web_form",
        "consent": True,
        "email": None,
        "value": 900.0,
        "zone": "America/Denver",
        "attributes": {"roof": "slate", "storeys": 2},
    }
    result = normalise_lead(fields, today=TODAY)
    lead = result.lead
    assert (result.verdict, result.reason) == ("accept", "phone_only")
    assert (lead.phone_e164, lead.consent, lead.zones) == (
        "+13125550134",
        "yes",
        ("America/Denver",),
    )
    assert (str(lead.value), lead.attributes) == ("900", {"roof": "slate", "storeys": "2"})


def test_the_default_country_reads_numbers_of_rows_that_name_none():
    """A company in Britain need not write +44."""
    fields = {"name": "Sam Lake", "phone": "020 7946 0123", "source": "web_form"}
    assert (
        normalise_lead(fields, today=TODAY, default_country="GB").lead.phone_e164 == "+442079460123"
    )
    assert normalise_lead(fields, today=TODAY).verdict == "reject"


_CELL = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=25) | st.sampled_from(
    ["312-555-0134", "sam@example.com", "US", "IL", "2026-03-09", '"']
)


@given(st.lists(st.lists(_CELL, max_size=14).map(",".join), max_size=6))
def test_any_rows_get_a_verdict_each(lines):
    """No row raises; a rejected one has no lead, an accepted one can be reached."""
    for result in _rows(*lines):
        assert (result.lead is None) == (result.verdict == "reject")
        if result.lead:
            assert result.lead.phone_e164 or result.lead.email_normalized


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "name",
                "phone",
                "email",
                "state",
                "postal_code",
                "country",
                "received_at",
                "zone",
                "attributes",
            ]
        ),
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats()
        | st.text(max_size=30)
        | st.lists(st.integers()),
    )
)
def test_any_json_lead_gets_a_verdict(fields):
    """Whatever types another program sends."""
    assert normalise_lead(fields, today=TODAY).verdict in {
        "accept",
        "accept_with_warning",
        "reject",
    }


@given(st.binary(max_size=300))
def test_any_file_is_judged_or_refused(data):
    """Bytes of any kind never raise anything but the refusal."""
    try:
        table = read_table(HEADER.encode() + b"\n" + data)
    except NotATable:
        return
    assert all(r.verdict for r in normalise_rows(table, today=TODAY))


@given(
    name=st.sampled_from(["Sam Lake", "LAKE, SAM", "Piet van den Berg", "Example Motors LLC", ""]),
    phone=st.sampled_from(["312-555-0134", "3.125550134E+09", "+44 20 7946 0123", "bad", ""]),
    email=st.sampled_from(["Sam@Example.com", "<sam@example.com>", "sam@", ""]),
    state=st.sampled_from(["illinois", "TX", "ON", ""]),
    postal=st.sampled_from(["60601", "2108", "K1P1J1", ""]),
)
def test_normalising_what_was_normalised_changes_nothing(name, phone, email, state, postal):
    """A lead that is exported and imported again stays itself."""
    fields = {"name": name, "phone": phone, "email": email, "state": state, "postal_code": postal}
    first = normalise_lead(fields, today=TODAY).lead
    if first is None:
        return
    again = normalise_lead(
        {
            "first_name": first.first_name,
            "last_name": first.last_name,
            "company": first.company,
            "phone": first.phone_e164,
            "email": first.email_normalized,
            "country": first.country,
            "state": first.state,
            "postal_code": first.postal_code,
        },
        today=TODAY,
    ).lead
    assert again == first
