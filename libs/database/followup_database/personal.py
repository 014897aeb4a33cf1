"""The register of tables that hold personal data, and the two walks over it.

Every owner of such a table lists it; erasure, export and the tests of both walk the
list, so a table nobody registered is a failing test, not a leak.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text

from followup_database.engine import Transaction


@dataclass(frozen=True, slots=True)
class PersonalTable:
    """A table whose rows belong to a person.

    `person_column` holds the person's id. `columns` are the ones with personal data;
    erasure deletes the rows, or empties those columns where `keep_row` is set
    because the row counts for something else (a ledger, a cap). `address_column`: rows of
    nobody known belong to whoever has the address in it.
    """

    schema: str
    table: str
    columns: tuple[str, ...]
    person_column: str = "person_id"
    keep_row: bool = False
    address_column: str | None = None

    @property
    def name(self) -> str:
        """With its schema."""
        return f"{self.schema}.{self.table}"


@dataclass(frozen=True, slots=True)
class Subject:
    """Somebody: every id they are or were known by, and their addresses."""

    tenant_id: UUID
    persons: Sequence[UUID]
    addresses: Sequence[str] = ()


_EMPTY = text("""
    SELECT column_name AS name, CASE
        WHEN is_nullable = 'YES' THEN 'NULL'
        WHEN data_type = 'jsonb' AND column_default LIKE '''[]''%' THEN '''[]''::jsonb'
        WHEN data_type = 'jsonb' THEN '''{}''::jsonb'
        WHEN data_type = 'ARRAY' THEN '''{}'''
        ELSE ''''''
    END AS nothing
    FROM information_schema.columns
    WHERE table_schema = :schema AND table_name = :table
      AND column_name = ANY(CAST(:columns AS text[]))
""")


async def erase_rows(tx: Transaction, table: PersonalTable, subject: Subject) -> int:
    """Delete somebody's rows of a table, or empty what is personal in them; how many."""
    if not table.keep_row:
        statement = f"DELETE FROM {table.name} WHERE {_whose(table)}"
        return await tx.run(text(statement), **_params(subject))
    empty = await tx.all(
        _EMPTY, schema=table.schema, table=table.table, columns=list(table.columns)
    )
    if len(empty) != len(table.columns):
        raise LookupError(f"{table.name} lacks a column of the register")
    sets = ", ".join(f"{row['name']} = {row['nothing']}" for row in empty)
    statement = f"UPDATE {table.name} SET {sets} WHERE {_whose(table)}"
    return await tx.run(text(statement), **_params(subject))


async def read_rows(
    tx: Transaction, table: PersonalTable, subject: Subject
) -> list[dict[str, Any]]:
    """Somebody's rows of a table, whole, in JSON values."""
    statement = f"SELECT to_jsonb(t) AS row FROM {table.name} t WHERE {_whose(table)}"
    return [row["row"] for row in await tx.all(text(statement), **_params(subject))]


def _whose(table: PersonalTable) -> str:
    person = f"{table.person_column} = ANY(CAST(:persons AS uuid[]))"
    if table.address_column is None:
        # Named all the same, for statements to be alike.
        return f"tenant_id = :tenant_id AND {person} AND CAST(:addresses AS text[]) IS NOT NULL"
    nobodys = (
        f"{table.person_column} IS NULL AND {table.address_column}"
        " = ANY(CAST(:addresses AS text[]))"
    )
    return f"tenant_id = :tenant_id AND ({person} OR ({nobodys}))"


def _params(subject: Subject) -> dict[str, Any]:
    return {
        "tenant_id": subject.tenant_id,
        "persons": list(subject.persons),
        "addresses": list(subject.addresses),
    }
