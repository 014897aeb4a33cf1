"""Verdicts as JSON and as CSV."""

import csv
import io
import json

from hypothesis import given
from hypothesis import strategies as st

from followup_intake.core.lead import LeadDraft, RowResult
from followup_intake.core.report import COLUMNS, result_csv, row_json


def test_an_accepted_row_as_json():
    """What is absent is null, zones are a list."""
    lead = LeadDraft(
        first_name="Sam", email_normalized="sam@example.com", zones=("America/Denver",)
    )
    shown = row_json(
        RowResult(row=7, verdict="accept", reason="email_only", lead=lead, duplicate_of=None)
    )
    assert json.loads(json.dumps(shown)) == {
        "row": 7,
        "verdict": "accept",
        "reason": "email_only",
        "first_name": "Sam",
        "last_name": None,
        "phone_e164": None,
        "email_normalized": "sam@example.com",
        "source": "unknown",
        "country": None,
        "state": None,
        "postal_code": None,
        "zones": ["America/Denver"],
        "consent": "unknown",
        "duplicate_of": None,
        "other_reasons": [],
    }


def test_a_rejected_row_as_json():
    """It has no lead to show."""
    shown = row_json(RowResult(row=2, verdict="reject", reason="blank_row"))
    assert (shown["source"], shown["consent"], shown["zones"]) == (None, None, [])


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_cell_of_the_csv_starts_a_formula(name, state):
    """Whatever a lead called itself, a spreadsheet shows it as text."""
    lead = LeadDraft(first_name=name, state=state, phone_e164="+13125550134")
    lines = list(result_csv([RowResult(row=1, verdict="accept", reason="ok", lead=lead)]))
    header, row = csv.reader(io.StringIO("".join(lines), newline=""))
    assert tuple(header) == COLUMNS
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for cell in row)
    assert row[5] == "'+13125550134"
