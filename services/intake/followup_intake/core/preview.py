"""What a file would become, before anything is written."""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from itertools import islice
from typing import Any

from followup_intake.core.attributes import NO_SCHEMA, Schema
from followup_intake.core.columns import columns_of
from followup_intake.core.normalise import normalise_rows
from followup_intake.core.report import row_json
from followup_intake.core.table import Table

SHOWN = 20
COUNTED = 1000


def preview(
    table: Table,
    *,
    today: date,
    default_country: str,
    mapping: Mapping[str, str],
    schema: Schema = NO_SCHEMA,
) -> dict[str, Any]:
    """Say how a table is written, what its columns are taken for, and its first verdicts.

    `columns` has each heading with its `field`, or the `attribute` it is kept under, or
    neither for one that is ignored; `rows` are the first 20 as a dry run has them, `verdicts`
    and `reasons` count the first 1,000. Raises `WrongMapping`.
    """
    columns = columns_of(table.header, mapping)
    fields = {at: name for name, at in columns.index.items()}
    fields |= {at: name for name, places in columns.spares.items() for at in places}
    attributes = dict(columns.others)
    results = list(
        islice(
            normalise_rows(
                table,
                today=today,
                default_country=default_country,
                mapping=mapping,
                schema=schema,
            ),
            COUNTED,
        )
    )
    return {
        "encoding": table.dialect.encoding,
        "delimiter": table.dialect.delimiter,
        "columns": [
            {"heading": heading, "field": fields.get(at), "attribute": attributes.get(at)}
            for at, heading in enumerate(table.header)
        ],
        "rows": [row_json(result) for result in results[:SHOWN]],
        "counted": len(results),
        "verdicts": dict(Counter(result.verdict for result in results)),
        "reasons": dict(Counter(result.reason for result in results)),
    }
