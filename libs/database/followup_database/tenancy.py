"""Every row of a tenant, whatever table it is in.

The tables are asked of the database and not of a register: one that is made tomorrow is
among them. They are walked by their pages, so that a step is small however large a table
is, needs no index, and can be gone on with by anybody.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from followup_database.engine import Transaction

_TABLES = text("""
    SELECT format('%I.%I', n.nspname, c.relname) AS name
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
    WHERE n.nspname = ANY(CAST(:schemas AS text[]))
      AND c.relkind IN ('r', 'p') AND NOT c.relispartition
""")
# Of a partitioned table the pages are those of its largest part: all parts are walked at once.
_PAGES = text("""
    SELECT GREATEST(
        pg_relation_size(CAST(CAST(:table AS text) AS regclass)),
        (SELECT max(pg_relation_size(relid))
            FROM pg_partition_tree(CAST(CAST(:table AS text) AS regclass)))
    ) / CAST(current_setting('block_size') AS bigint)
""")


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of a table that was walked: rows that went, and the page behind it.

    `next_page` is None at the table's end.
    """

    rows: int
    next_page: int | None


async def tables_of_tenants(tx: Transaction, schemas: Sequence[str]) -> list[str]:
    """The tables of these schemas whose rows belong to tenants, in order, partitioned ones whole.

    The names are fit to stand in a statement.
    """
    return sorted(row["name"] for row in await tx.all(_TABLES, schemas=list(schemas)))


async def erase_stretch(
    tx: Transaction, table: str, tenant_id: UUID, *, page: int, pages: int
) -> Stretch:
    """Delete a tenant's rows in `pages` pages of a table, `page` being the first.

    `table` is a name of `tables_of_tenants`. A row that is written, or moved by an update,
    behind the walk's back is found by the next walk.
    """
    last: int = await tx.scalar(_PAGES, table=table)
    if page >= last:
        return Stretch(0, None)
    rows = await tx.run(
        text(f"""
            DELETE FROM {table} WHERE tenant_id = :tenant_id
              AND ctid >= CAST(CAST(:low AS text) AS tid)
              AND ctid < CAST(CAST(:high AS text) AS tid)
        """),
        tenant_id=tenant_id,
        low=f"({page},0)",
        high=f"({page + pages},0)",
    )
    return Stretch(rows, page + pages if page + pages < last else None)
