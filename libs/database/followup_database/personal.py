"""The register of tables that hold personal data.

Every owner of such a table lists it; erasure, export and the tests of both walk the
list, so a table nobody registered is a failing test, not a leak.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PersonalTable:
    """A table whose rows belong to a person.

    `person_column` holds the person's id. `columns` are the ones with personal data;
    erasure deletes the rows, or empties those columns where `keep_row` is set
    because the row counts for something else (a ledger, a cap).
    """

    schema: str
    table: str
    columns: tuple[str, ...]
    person_column: str = "person_id"
    keep_row: bool = False
