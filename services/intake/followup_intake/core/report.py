"""Verdicts for machines and for spreadsheets."""

import csv
import io
from collections.abc import Iterable, Iterator

from followup_intake.core.lead import LeadDraft, RowResult

_LEAD_FIELDS = (
    "first_name",
    "last_name",
    "phone_e164",
    "email_normalized",
    "source",
    "country",
    "state",
    "postal_code",
)
COLUMNS = (
    "row",
    "verdict",
    "reason",
    *_LEAD_FIELDS,
    "zones",
    "consent",
    "duplicate_of",
    "other_reasons",
)
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def row_json(result: RowResult) -> dict[str, object]:
    """Return a row's verdict as JSON values; what is absent is null, `zones` always a list."""
    lead = result.lead
    values = {field: getattr(lead, field) if lead else None for field in _LEAD_FIELDS}
    return {
        "row": result.row,
        "verdict": result.verdict,
        "reason": result.reason,
        **values,
        "zones": list(lead.zones) if lead else [],
        "consent": lead.consent if lead else None,
        "duplicate_of": result.duplicate_of,
        "other_reasons": list(result.other_reasons),
    }


def result_csv(results: Iterable[RowResult]) -> Iterator[str]:
    """Yield CSV lines (RFC 4180), the header first; no cell starts a spreadsheet formula.

    A cell that would is kept as text by a leading apostrophe (OWASP, CSV injection).
    """
    yield _line(COLUMNS)
    for result in results:
        yield _line([_safe(text) for text in _texts(result)])


def csv_lines(header: Iterable[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Yield CSV lines, the header first, None as nothing, formulas made safe as above."""
    yield _line(header)
    for row in rows:
        yield _line(_safe("" if cell is None else str(cell)) for cell in row)


def _texts(result: RowResult) -> list[str]:
    lead = result.lead
    own: LeadDraft = lead or LeadDraft(source="")
    return [
        str(result.row),
        result.verdict,
        result.reason,
        *(getattr(own, field) or "" for field in _LEAD_FIELDS),
        " ".join(own.zones),
        own.consent if lead else "",
        "" if result.duplicate_of is None else str(result.duplicate_of),
        " ".join(result.other_reasons),
    ]


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _line(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()
