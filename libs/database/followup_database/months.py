"""Tending tables partitioned by month, without owning them.

Services work as `followup_worker`, which owns nothing. So each owner's migration makes a
function that runs with the owner's rights, does this one thing to these tables alone,
and may be called by workers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text

from followup_database.engine import Transaction
from followup_database.roles import Role

AHEAD = 13
"""Months kept made, the present one included: that nobody makes them is noticed long
before rows land in the default partition."""


@dataclass(frozen=True, slots=True)
class MonthlyTable:
    """A table partitioned by month. Months older than `kept_months` are dropped; None: never."""

    table: str
    kept_months: int | None = None


# One at a time, and never for long: making a partition locks the default one. A month
# whose rows are in the default partition already stays there; everything works on.
_FUNCTION = """
CREATE OR REPLACE FUNCTION {schema}.tend_months(ahead int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' SET timezone = 'UTC'
AS $function$
DECLARE
  this_month timestamptz := date_trunc('month', clock_timestamp());
  entry record; old record; month timestamptz; name text; changed int := 0;
BEGIN
  IF NOT pg_try_advisory_xact_lock(hashtext('{schema}.tend_months')) THEN
    RETURN 0;
  END IF;
  FOR entry IN SELECT * FROM (VALUES {tables}) AS v(parent, kept) LOOP
    FOR place IN 0 .. least(greatest(ahead, 1), 120) - 1 LOOP
      month := this_month + make_interval(months => place);
      name := entry.parent || to_char(month, '"_"YYYY"_"MM');
      CONTINUE WHEN to_regclass(format('%I.%I', '{schema}', name)) IS NOT NULL;
      BEGIN
        EXECUTE format('CREATE TABLE %I.%I PARTITION OF %I.%I FOR VALUES FROM (%L) TO (%L)',
          '{schema}', name, '{schema}', entry.parent, {low}, {high});
        changed := changed + 1;
      EXCEPTION WHEN check_violation THEN
        RAISE WARNING 'month % of %.% has rows in its default partition',
          name, '{schema}', entry.parent;
      END;
    END LOOP;
    FOR old IN
      SELECT c.relname FROM pg_inherits i
        JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE i.inhparent = to_regclass(format('%I.%I', '{schema}', entry.parent))
         AND n.nspname = '{schema}' AND entry.kept IS NOT NULL
         AND c.relname ~ ('^' || entry.parent || '_[0-9]{{4}}_[0-9]{{2}}$')
         AND to_date(right(c.relname, 7), 'YYYY_MM')
             < this_month - make_interval(months => entry.kept)
    LOOP
      EXECUTE format('DROP TABLE %I.%I', '{schema}', old.relname);
      changed := changed + 1;
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
    values = ", ".join(
        f"('{each.table}', CAST({'NULL' if each.kept_months is None else each.kept_months} AS int))"
        for each in tables
    )
    return [
        _FUNCTION.format(
            schema=schema,
            tables=values,
            low=_BOUND.format(at="month"),
            high=_BOUND.format(at="(month + interval '1 month')"),
        ),
        f"REVOKE ALL ON FUNCTION {schema}.tend_months(int) FROM PUBLIC",
        f"GRANT EXECUTE ON FUNCTION {schema}.tend_months(int) TO {Role.WORKER}",
    ]


async def tend_months(tx: Transaction, schema: str, *, ahead: int = AHEAD) -> int:
    """Make months ahead and drop those past their keeping, by machine time.

    Returns how many were made or dropped; 0 while another process is at it.
    """
    changed: int = await tx.scalar(text(f"SELECT {schema}.tend_months(:ahead)"), ahead=ahead)
    return changed
