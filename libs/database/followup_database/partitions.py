"""Tables partitioned by the month inside the UUIDv7 that leads their key.

Old months are dropped, not deleted. The boundary is the key itself, so a
uniqueness that holds in the partition holds in the table.
"""

from datetime import UTC, datetime

from followup_database.ids import smallest_id


def month_after(month: datetime) -> datetime:
    """The first instant of the following month, UTC."""
    year, number = (month.year + 1, 1) if month.month == 12 else (month.year, month.month + 1)  # noqa: PLR2004 - December
    return datetime(year, number, 1, tzinfo=UTC)


def create_month(schema: str, table: str, month: datetime) -> str:
    """The statement that makes one month's partition, if it is not there yet."""
    start = datetime(month.year, month.month, 1, tzinfo=UTC)
    return (
        f"CREATE TABLE IF NOT EXISTS {schema}.{table}_{start:%Y_%m}"
        f" PARTITION OF {schema}.{table}"
        f" FOR VALUES FROM ('{smallest_id(start)}') TO ('{smallest_id(month_after(start))}')"
    )


def create_months(schema: str, table: str, *, start: datetime, count: int) -> list[str]:
    """Statements for `count` months from the one that holds `start`, and the default.

    The default partition takes what no month does, so that a clock that is off never
    refuses a row.
    """
    statements = [
        f"CREATE TABLE IF NOT EXISTS {schema}.{table}_rest PARTITION OF {schema}.{table} DEFAULT"
    ]
    month = datetime(start.year, start.month, 1, tzinfo=UTC)
    for _ in range(count):
        statements.append(create_month(schema, table, month))
        month = month_after(month)
    return statements
