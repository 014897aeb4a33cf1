"""The example file of the product, judged row by row."""

from collections import Counter
from datetime import date
from pathlib import Path

from followup_intake.core.normalise import normalise_rows
from followup_intake.core.table import read_table

EXAMPLE = Path(__file__).parents[3] / "examples" / "leads.csv"
GOLDEN = Path(__file__).parent / "golden" / "example_leads.txt"
TODAY = date(2026, 11, 18)
TOTALS = {"accept_with_warning": 179, "accept": 205, "reject": 16}


def _results():
    with EXAMPLE.open("rb") as file:
        return list(normalise_rows(read_table(file), today=TODAY))


def test_the_example_file_is_judged_as_a_careful_reader_did():
    """The totals were checked against a reader's own verdicts."""
    results = _results()
    assert Counter(r.verdict for r in results) == TOTALS


def test_every_verdict_of_the_example_file_stands():
    """Row, verdict, reasons, and whom it duplicates, as once agreed."""
    lines = [
        " ".join([str(r.row), r.verdict, r.reason, str(r.duplicate_of or "-"), *r.other_reasons])
        for r in _results()
    ]
    assert lines == GOLDEN.read_text(encoding="utf-8").splitlines()
