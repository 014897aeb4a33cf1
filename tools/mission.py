"""Show which tests carry which row of docs/mission.md, by running them.

Prints a table and writes .followup/mission.json:
{"rows": [{"id": "D1", "status": "passed", "tests": ["…"]}]}, status passed, failed or
missing. A row is passed when a test of each kind in its last column passed and none
failed. Exit 0 unless a test failed; 2 when a mark or the map is wrong.
"""

import argparse
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
KINDS = frozenset({"simulation", "running", "lint", "plan", "send"})

Status = Literal["passed", "failed", "missing"]


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the map and the kinds of test that carry it together."""

    id: str
    what: str
    kinds: frozenset[str]


@dataclass(frozen=True, slots=True)
class Proof:
    """One test that carries a row in one way."""

    row: str
    via: str
    test: str
    passed: bool


def rows_of(text: str) -> list[Row]:
    """The rows of the document; raises `ValueError` for one that nothing can carry."""
    rows = []
    for line in text.splitlines():
        if re.match(r"\| [A-Z]\d+ \|", line):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            kinds = frozenset(part.strip() for part in cells[-1].split(","))
            if not kinds <= KINDS:
                raise ValueError(f"{cells[0]}: carried by {', '.join(sorted(kinds - KINDS))}?")
            rows.append(Row(cells[0], cells[1], kinds))
    if len({row.id for row in rows}) != len(rows):
        raise ValueError("an id stands in two rows")
    return rows


def status_of(row: Row, proofs: Sequence[Proof]) -> Status:
    """How a row stands, by the proofs of it."""
    if any(not proof.passed for proof in proofs):
        return "failed"
    return "passed" if row.kinds <= {proof.via for proof in proofs} else "missing"


class Collector:
    """A pytest plugin: keeps what each marked test carries, and whether it passed."""

    def __init__(self, ids: frozenset[str]) -> None:
        self.ids = ids
        self.marks: dict[str, list[tuple[str, str]]] = {}
        self.outcomes: dict[str, bool] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Read the marks; refuses a row or a kind that does not exist."""
        for item in items:
            for mark in item.iter_markers("mission"):
                row, via = mark.args[0], mark.kwargs.get("via")
                if row not in self.ids or via not in KINDS:
                    raise pytest.UsageError(f"{item.nodeid}: no row {row} via {via}")
                self.marks.setdefault(item.nodeid, []).append((row, via))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test passed when its call did and nothing around it failed; skipped is not run."""
        if (report.when == "call" and not report.skipped) or report.failed:
            before = self.outcomes.get(report.nodeid, True)
            self.outcomes[report.nodeid] = before and report.passed

    def proofs(self) -> list[Proof]:
        """What was shown; a test that did not run shows nothing."""
        return [
            Proof(row, via, test, self.outcomes[test])
            for test, carried in self.marks.items()
            for row, via in carried
            if test in self.outcomes
        ]


def report(rows: Sequence[Row], proofs: Sequence[Proof]) -> list[dict[str, object]]:
    """The rows as they are written to the file."""
    found = []
    for row in rows:
        own = [proof for proof in proofs if proof.row == row.id]
        tests = sorted({proof.test for proof in own})
        found.append({"id": row.id, "status": status_of(row, own), "tests": tests})
    return found


def show(rows: Sequence[Row], proofs: Sequence[Proof]) -> None:
    """The same as a table for people, with what is not there yet."""
    colours = {"passed": "green", "failed": "red", "missing": "yellow"}
    table = Table("row", "what", "status", "tests", "not yet carried via")
    for row in rows:
        own = [proof for proof in proofs if proof.row == row.id]
        status = status_of(row, own)
        lacking = ", ".join(sorted(row.kinds - {proof.via for proof in own}))
        tests = str(len({proof.test for proof in own}))
        table.add_row(row.id, row.what, f"[{colours[status]}]{status}[/]", tests, lacking)
    Console().print(table)


def main(arguments: Sequence[str]) -> int:
    """Run the marked tests and report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--map", type=Path, default=ROOT / "docs/mission.md")
    parser.add_argument("--tests", type=Path, default=ROOT / "tests")
    parser.add_argument("--out", type=Path, default=ROOT / ".followup/mission.json")
    options = parser.parse_args(arguments)
    try:
        rows = rows_of(options.map.read_text())
    except ValueError as error:
        print(f"{options.map}: {error}", file=sys.stderr)
        return 2
    collector = Collector(frozenset(row.id for row in rows))
    code = pytest.main(["-m", "mission", "-q", str(options.tests)], plugins=[collector])
    proofs = collector.proofs()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps({"rows": report(rows, proofs)}, indent=2) + "\n")
    show(rows, proofs)
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        return 1 if code == pytest.ExitCode.TESTS_FAILED else 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
