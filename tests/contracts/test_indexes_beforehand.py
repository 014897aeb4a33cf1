"""What operators may build before a migration is what the migration would build."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_STATEMENT = re.compile(r"CREATE INDEX (?:CONCURRENTLY )?IF NOT EXISTS ([^;\"]+)")
_SEAM = re.compile(r'"\s*"(?!")')
_MONTH = re.compile(r"_\d{4}_\d{2}\b|_\d{4}_\d{2}(?=_)")


def _statements(text: str) -> set[str]:
    return {_MONTH.sub("", " ".join(found.split())) for found in _STATEMENT.findall(text)}


def test_every_index_that_a_migration_may_find_is_described_as_it_is() -> None:
    """Name, table, columns and condition: another index by that name would be taken for it."""
    versions = (
        *ROOT.glob("services/*/*/migrations/versions"),
        *ROOT.glob("libs/*/*/migrations/versions"),
    )
    built = {
        statement
        for folder in versions
        for path in folder.glob("*.py")
        for statement in _statements(_SEAM.sub("", path.read_text()))
    }
    assert len(built) > 3
    assert _statements((ROOT / "docs/operations.md").read_text()) == built
