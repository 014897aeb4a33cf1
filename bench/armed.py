"""Timers by the million: rows as the product would have made them, by one statement a table.

The rows copy one that the product has made, with ids in the order of their making, as
UUIDv7 have it, and due times over the month that begins in two days.
"""

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

_COLUMNS = """
SELECT string_agg(quote_ident(attname), ',' ORDER BY attnum) FROM pg_attribute
WHERE attrelid = CAST(:name AS regclass) AND attnum > 0 AND NOT attisdropped
"""
_DUE = "now() + interval '2 days' + random() * interval '30 days'"


_TIMERS = """
INSERT INTO scheduler.timers (target, tenant_id, lane, kind, channel, due_at)
SELECT uuidv7(), {tenant}, n % 2, {what}, {due} FROM generate_series(1, {count}) AS n
"""
_TENANT = "CAST('01900000-00aa-7000-8000-' || lpad(to_hex(n % 100), 12, '0') AS uuid)"
_TOUCH = "'touch', 'sms'"
_ANY = "CASE WHEN n % 10 = 0 THEN 'wake' ELSE 'touch' END, CASE WHEN n % 10 <> 0 THEN 'sms' END"
_INDEXES = """
SELECT CASE WHEN c.oid IS NULL THEN format('DROP INDEX scheduler.%I', i.relname)
            ELSE format('ALTER TABLE scheduler.timers DROP CONSTRAINT %I', c.conname)
       END AS drop_it,
       CASE WHEN c.oid IS NULL THEN pg_get_indexdef(i.oid)
            ELSE format('ALTER TABLE scheduler.timers ADD CONSTRAINT %I %s', c.conname,
                        pg_get_constraintdef(c.oid))
       END AS make_it
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
LEFT JOIN pg_constraint c ON c.conindid = x.indexrelid
WHERE x.indrelid = CAST('scheduler.timers' AS regclass)
"""


def _id(kind: str) -> str:
    """An id of the n-th row of a kind; SQL."""
    return f"CAST('01900000-00{kind}-7000-8000-' || lpad(to_hex(n), 12, '0') AS uuid)"


OVERRIDES = {
    "scheduler.enrollments": {
        "id": _id("e0"),
        "lead_id": _id("1e"),
        "person_id": _id("be"),
    },
    "scheduler.touches": {
        "id": _id("c0"),
        "enrollment_id": _id("e0"),
        "lead_id": _id("1e"),
        "person_id": _id("be"),
        "due_at": _DUE,
        "wanted_at": _DUE,
    },
    "scheduler.timers": {"target": _id("c0"), "due_at": _DUE},
}
"""What differs from row to row. Due times of touch and timer need not agree: none comes."""

_ONE = {
    "scheduler.enrollments": "id = (SELECT enrollment_id FROM model)",
    "scheduler.touches": "id = (SELECT id FROM model)",
    "scheduler.timers": "target = (SELECT id FROM model)",
}


async def multiply(connection: AsyncConnection, count: int) -> None:
    """Have an armed touch of the product's `count` times more, of a hundred other tenants."""
    for table, overrides in OVERRIDES.items():
        columns = str(await connection.scalar(text(_COLUMNS), {"name": table})).split(",")
        values = {"tenant_id": _TENANT} | overrides
        chosen = ", ".join(values.get(column, f"m.{column}") for column in columns)
        await connection.execute(
            text(f"""
            WITH model AS (
              SELECT t.id, t.enrollment_id FROM scheduler.touches t
              JOIN scheduler.timers r ON r.target = t.id WHERE t.state = 'planned' LIMIT 1
            )
            INSERT INTO {table} ({", ".join(columns)})
            SELECT {chosen} FROM (SELECT * FROM {table} WHERE {_ONE[table]}) AS m
            CROSS JOIN generate_series(1, {count}) AS n
            """)
        )


def due_timers(count: int) -> TextClause:
    """Has so many timers due this moment, of touches that nobody ever made."""
    values = {"tenant": _TENANT, "what": _TOUCH, "due": "clock_timestamp()"}
    return text(_TIMERS.format(count=count, **values))


async def fill_timers(connection: AsyncConnection, count: int) -> None:
    """Have so many timers in an empty table, due in the month to come; a tenth are wakes.

    Its indexes are made anew afterwards: five million would take minutes one by one.
    """
    indexes = (await connection.execute(text(_INDEXES))).mappings().all()
    for index in indexes:
        await connection.execute(text(index["drop_it"]))
    values = {"tenant": _TENANT, "what": _ANY, "due": _DUE}
    await connection.execute(text(_TIMERS.format(count=count, **values)))
    for index in indexes:
        await connection.execute(text(index["make_it"]))
    # What autovacuum would have done by now, had they come one by one.
    await connection.execute(text("VACUUM ANALYZE scheduler.timers"))
