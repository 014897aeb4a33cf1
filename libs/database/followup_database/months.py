"""Tending tables partitioned by month, without owning them.

Services work as `followup_worker`, which owns nothing. So each owner's migration makes a
function that runs with the owner's rights, does this one thing to these tables alone,
and may be called by workers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from followup_database.engine import Transaction
from followup_database.roles import Role

AHEAD = 4
"""Months kept made, the present one included: that nobody makes them is noticed long
before rows land in the default partition. Every month more is looked at, or locked, by
statements whose plan cannot tell which months their keys are of."""
_MOVED_AT_MOST = 50_000
"""Rows that are moved from the default partition into their month, under its lock."""


@dataclass(frozen=True, slots=True)
class MonthlyTable:
    """A table partitioned by month, and how long its months are kept.

    Months older than `kept_months` are dropped; None: never. One is kept longer while
    `needed_by`, a table of the same schema and the same months, has a row of that month
    for which `needed_if` holds.
    """

    table: str
    kept_months: int | None = None
    needed_by: str | None = None
    needed_if: str = "true"


# One at a time, and never for long: whoever waits for one of these locks makes others
# wait behind it. What cannot be had now is left for the next round. Whether a month is
# needed is read from partitions themselves: row-level security, which binds the owner of
# the whole table too, must not hide from this function what it would drop.
_FUNCTION = """
CREATE OR REPLACE FUNCTION {schema}.tend_months(
  ahead int, at timestamptz DEFAULT clock_timestamp()) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s' SET timezone = 'UTC'
AS $function$
DECLARE
  this_month timestamptz := date_trunc('month', at);
  entry record; old record; month timestamptz; name text; rest text; part text; key text;
  low uuid; high uuid; early bigint; needed boolean; changed int := 0;
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtext('{schema}.tend_months')) THEN
    RETURN 0;
  END IF;
  FOR entry IN SELECT * FROM (VALUES {tables}) AS v(parent, kept, needed_by, needed_if) LOOP
    rest := entry.parent || '_rest';
    SELECT a.attname INTO key FROM pg_partitioned_table p
      JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
     WHERE p.partrelid = to_regclass(format('%I.%I', '{schema}', entry.parent));

    FOR place IN 0 .. least(greatest(ahead, 1), 120) - 1 LOOP
      month := this_month + make_interval(months => place);
      name := entry.parent || to_char(month, '"_"YYYY"_"MM');
      CONTINUE WHEN to_regclass(format('%I.%I', '{schema}', name)) IS NOT NULL;
      low := {low}; high := {high};
      BEGIN
        -- Rows that came before their month was made are in the default partition.
        EXECUTE format('LOCK TABLE %I.%I IN ACCESS EXCLUSIVE MODE', '{schema}', rest);
        EXECUTE format('SELECT count(*) FROM (SELECT FROM %I.%I WHERE %I >= %L AND %I < %L'
          ' LIMIT {most} + 1) AS early', '{schema}', rest, key, low, key, high) INTO early;
        IF early > {most} THEN
          RAISE WARNING 'month % of %.% has more than {most} rows in its default partition'
            ' and stays there', name, '{schema}', entry.parent;
          CONTINUE;
        END IF;
        EXECUTE format('CREATE TABLE %I.%I (LIKE %I.%I INCLUDING ALL)',
          '{schema}', name, '{schema}', entry.parent);
        EXECUTE format('WITH early AS (DELETE FROM %I.%I WHERE %I >= %L AND %I < %L RETURNING *)'
          ' INSERT INTO %I.%I SELECT * FROM early',
          '{schema}', rest, key, low, key, high, '{schema}', name);
        EXECUTE format('ALTER TABLE %I.%I ATTACH PARTITION %I.%I FOR VALUES FROM (%L) TO (%L)',
          '{schema}', entry.parent, '{schema}', name, low, high);
        changed := changed + 1;
      EXCEPTION WHEN lock_not_available THEN
        RAISE WARNING 'month % of %.% could not be made yet', name, '{schema}', entry.parent;
      END;
    END LOOP;

    FOR old IN
      SELECT c.relname::text AS name, right(c.relname, 8) AS tail,
             to_date(right(c.relname, 7), 'YYYY_MM')::timestamptz AS month
        FROM pg_inherits i
        JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE i.inhparent = to_regclass(format('%I.%I', '{schema}', entry.parent))
         AND n.nspname = '{schema}' AND entry.kept IS NOT NULL
         AND c.relname ~ ('^' || entry.parent || '_[0-9]{{4}}_[0-9]{{2}}$')
         AND to_date(right(c.relname, 7), 'YYYY_MM')
             < this_month - make_interval(months => entry.kept)
       ORDER BY c.relname
    LOOP
      BEGIN
        -- The table first, as everybody who reads or writes it does; not its other months.
        EXECUTE format('LOCK TABLE ONLY %I.%I IN ACCESS EXCLUSIVE MODE', '{schema}', entry.parent);
        needed := false; month := old.month; low := {low}; high := {high};
        FOREACH part IN ARRAY ARRAY[entry.needed_by || old.tail, entry.needed_by || '_rest'] LOOP
          IF NOT needed AND to_regclass(format('%I.%I', '{schema}', part)) IS NOT NULL THEN
            SELECT a.attname INTO key FROM pg_partitioned_table p
              JOIN pg_attribute a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
             WHERE p.partrelid = to_regclass(format('%I.%I', '{schema}', entry.needed_by));
            EXECUTE format('SELECT EXISTS (SELECT FROM %I.%I WHERE %I >= %L AND %I < %L AND (%s))',
              '{schema}', part, key, low, key, high, entry.needed_if) INTO needed;
          END IF;
        END LOOP;
        IF NOT needed THEN
          EXECUTE format('DROP TABLE %I.%I', '{schema}', old.name);
          changed := changed + 1;
        END IF;
      EXCEPTION WHEN lock_not_available THEN
        RAISE WARNING 'month % of %.% could not be dropped yet', old.name, '{schema}', entry.parent;
      END;
    END LOOP;
  END LOOP;
  RETURN changed;
END $function$
"""
# The lowest UUIDv7 of a moment, as `ids.smallest_id` makes it.
_BOUND = (
    "CAST(rpad(lpad(to_hex((extract(epoch FROM {at}) * 1000)::bigint), 12, '0'), 32, '0') AS uuid)"
)


def tending(schema: str, tables: Sequence[MonthlyTable]) -> list[str]:
    """Statements of a migration: the function that tends these tables of a schema."""
    return [
        f"DROP FUNCTION IF EXISTS {schema}.tend_months(int)",
        _FUNCTION.format(
            schema=schema,
            tables=", ".join(map(_row, tables)),
            low=_BOUND.format(at="month"),
            high=_BOUND.format(at="(month + interval '1 month')"),
            most=_MOVED_AT_MOST,
        ),
        f"REVOKE ALL ON FUNCTION {schema}.tend_months(int, timestamptz) FROM PUBLIC",
        f"GRANT EXECUTE ON FUNCTION {schema}.tend_months(int, timestamptz) TO {Role.WORKER}",
    ]


def _row(each: MonthlyTable) -> str:
    kept = "NULL" if each.kept_months is None else str(each.kept_months)
    needed = ", ".join(map(_literal, (each.needed_by, each.needed_if)))
    return f"('{each.table}', CAST({kept} AS int), {needed})"


def _literal(words: str | None) -> str:
    return "CAST(NULL AS text)" if words is None else "'" + words.replace("'", "''") + "'"


async def tend_months(
    tx: Transaction, schema: str, *, ahead: int = AHEAD, at: datetime | None = None
) -> int:
    """Make months ahead and drop those past their keeping, as of `at` (None: machine time).

    Returns how many were made or dropped; 0 while another process is at it. A month
    that somebody locks for long is left for the next time.
    """
    statement = f"SELECT {schema}.tend_months(:ahead, COALESCE(:at, clock_timestamp()))"
    changed: int = await tx.scalar(text(statement), ahead=ahead, at=at)
    return changed
