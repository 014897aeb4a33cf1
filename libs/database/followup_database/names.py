"""Columns whose values are names that the code keeps a table of."""


def any_name(table: str, column: str) -> tuple[str, ...]:
    """Statements that replace a column's CHECK of a closed list by one of its form alone.

    A new name then needs no change of the schema. The check is added unproven and then
    proven, so that neither step locks a table for long.
    """
    plain = table.rpartition(".")[2]
    check = f"CHECK ({column} ~ '^[a-z]{{1,20}}$') NOT VALID"
    return (
        f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {plain}_{column}_check",
        f"ALTER TABLE {table} ADD CONSTRAINT {plain}_{column}_name {check}",
        f"ALTER TABLE {table} VALIDATE CONSTRAINT {plain}_{column}_name",
    )
