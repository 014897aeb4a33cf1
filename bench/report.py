"""The figures as tables on stdout."""

from collections.abc import Mapping

from rich.console import Console
from rich.table import Table


def show(figures: Mapping[str, object]) -> None:
    """One row a figure; lists of rows (statements, points of a curve) as tables of their own."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=170)
    table = Table(title="make bench")
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name, value in figures.items():
        if isinstance(value, Mapping):
            for part, amount in value.items():
                table.add_row(f"{name}.{part}", str(amount))
        elif isinstance(value, list):
            console.print(_rows(name, value))
        else:
            table.add_row(name, str(value))
    console.print(table)


def _rows(name: str, rows: list[Mapping[str, object]]) -> Table:
    table = Table(title=name)
    for column in rows[0] if rows else ():
        table.add_column(column, justify="left" if column == "statement" else "right", no_wrap=True)
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    return table
