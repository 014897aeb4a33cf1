"""Rows and JSON leads to verdicts: the entrance to this package."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime

from followup_intake.core.attributes import NO_SCHEMA, Schema, Unfit
from followup_intake.core.cells import MAX_CELL
from followup_intake.core.columns import NO_MAPPING, Columns, columns_of
from followup_intake.core.duplicates import SeenLeads
from followup_intake.core.judgement import Judged, judge
from followup_intake.core.lead import LeadDraft, RowResult
from followup_intake.core.raggedness import Shape, is_torn, shape_of
from followup_intake.core.table import Record, Table

_MAX_ATTRIBUTES = 200
_MAX_BITS = 256


def normalise_rows(
    table: Table,
    *,
    today: date,
    default_country: str = "US",
    mapping: Mapping[str, str] = NO_MAPPING,
    schema: Schema = NO_SCHEMA,
) -> Iterator[RowResult]:
    """Judge every record of a table in order; no row raises, each has a verdict.

    `today` decides what is in the future; numbers without a country code are of the row's
    country, else of `default_country`. `mapping` as in `columns_of`, `schema` as in
    `normalise_lead`. Only contact points are remembered between rows.
    """
    columns = columns_of(table.header, mapping)
    seen = SeenLeads()
    for record in table.records:
        result = _judge_record(
            record, columns=columns, today=today, default_country=default_country, schema=schema
        )
        yield _merged(result, seen)


def normalise_lead(
    fields: Mapping[str, object],
    *,
    today: date,
    default_country: str = "US",
    row: int = 1,
    schema: Schema = NO_SCHEMA,
) -> RowResult:
    """Judge one lead as another program sends it; `row` is its number there, if it has one.

    Keys are the fields of a lead (`name` or `first_name` and `last_name`, `phone`, `email`,
    `source`, `need`, `city`, `state`, `postal_code`, `country`, `consent`, `consent_text`,
    `value`, `currency`, `company`, `notes`, `received_at`, `external_id`, `zone`,
    `attributes`); what is absent or null is not missed. Attributes are read by `schema`:
    what of them does not fit is a warning, and in `RowResult.unfit` for who would refuse it.
    """
    given = fields.get("attributes")
    attributes = (
        {str(key): _as_cell(value) for key, value in list(given.items())[:_MAX_ATTRIBUTES]}
        if isinstance(given, Mapping)
        else {}
    )
    raw = {
        name: value[:MAX_CELL] if isinstance(value, str) else _as_cell(value)
        for name, value in fields.items()
        if name != "attributes" and value is not None
    }
    judged = judge(
        raw, attributes=attributes, today=today, default_country=default_country, schema=schema
    )
    return _result(row, judged, shape="whole")


def _judge_record(
    record: Record, *, columns: Columns, today: date, default_country: str, schema: Schema
) -> RowResult:
    if record.fault:
        return RowResult(row=record.row, verdict="reject", reason="ragged_row")
    shape = shape_of(record.cells, columns)
    match shape:
        case "blank":
            return RowResult(row=record.row, verdict="reject", reason="blank_row")
        case "repeated_header":
            return RowResult(row=record.row, verdict="reject", reason="repeated_header")
        case "shifted":
            return RowResult(
                row=record.row, verdict="reject", reason="ragged_row", other_reasons=("shifted",)
            )
        case "whole" | "ragged":
            cells = _within(record.cells, columns)
            judged = judge(
                columns.first_cells(cells),
                attributes=columns.other_cells(cells),
                today=today,
                default_country=default_country,
                schema=schema,
            )
            lead = judged.lead
            if lead and is_torn(record.cells, columns, phone=lead.phone_e164 is not None):
                return RowResult(row=record.row, verdict="reject", reason="ragged_row")
            return _result(record.row, judged, shape=shape)


def _within(cells: Sequence[str], columns: Columns) -> list[str]:
    """Return the cells without those beyond the header, their text joined to the last one."""
    kept = list(cells[: columns.width])
    beyond = [cell for cell in cells[columns.width :] if cell.strip()]
    if beyond and kept:
        kept[-1] = ",".join([kept[-1], *beyond])[:MAX_CELL]
    return kept


def _result(row: int, judged: Judged, *, shape: Shape) -> RowResult:
    if judged.lead is None:
        torn = shape == "ragged"
        reason, others = ("ragged_row", ()) if torn else ("no_contact_point", judged.notes)
        return RowResult(row=row, verdict="reject", reason=reason, other_reasons=others)
    warnings = (("ragged_row",) if shape == "ragged" else ()) + judged.warnings
    return _accepted(row, judged.lead, warnings=warnings, notes=judged.notes, unfit=judged.unfit)


def _accepted(
    row: int,
    lead: LeadDraft,
    *,
    warnings: tuple[str, ...],
    notes: tuple[str, ...],
    unfit: tuple[Unfit, ...],
    duplicate_of: int | None = None,
) -> RowResult:
    return RowResult(
        row=row,
        verdict="accept_with_warning" if warnings else "accept",
        reason=warnings[0] if warnings else _plain_reason(lead),
        other_reasons=warnings[1:] + notes,
        lead=lead,
        duplicate_of=duplicate_of,
        unfit=unfit,
    )


def _plain_reason(lead: LeadDraft) -> str:
    if lead.email_normalized is None:
        return "phone_only"
    return "email_only" if lead.phone_e164 is None else "ok"


def _merged(result: RowResult, seen: SeenLeads) -> RowResult:
    lead = result.lead
    if lead is None:
        return result
    first = seen.first_row(result.row, phone=lead.phone_e164, email=lead.email_normalized)
    if first is None:
        return result
    named = (result.reason, *result.other_reasons)
    notes = tuple(name for name in named if name.endswith("_repaired"))
    plain = {"ok", "phone_only", "email_only", "ragged_row", *notes}
    warnings = tuple(name for name in named if name not in plain)
    ragged = ("ragged_row",) if "ragged_row" in named else ()
    return _accepted(
        result.row,
        lead,
        warnings=(*ragged, "duplicate", *warnings),
        notes=notes,
        unfit=result.unfit,
        duplicate_of=first,
    )


def _as_cell(value: object) -> str:
    match value:
        case str():
            return value[:MAX_CELL]
        case bool():
            return "yes" if value else "no"
        case float() if value.is_integer():
            return f"{value:.0f}"
        case datetime():
            return value.isoformat()
        # The decimal text of an integer beyond any meaning would cost quadratic time.
        case int() if value.bit_length() > _MAX_BITS:
            return ""
        case _:
            return str(value)[:MAX_CELL]
