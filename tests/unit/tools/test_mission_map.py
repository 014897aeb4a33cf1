"""`make mission` tells the truth about what is carried."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
MAP = """
| id | what | carried by |
|---|---|---|
| D1 | a sequence | simulation, running |
| R1 | a rule | plan, send |
| R9 | another | lint |
"""
INI = "[pytest]\nmarkers =\n    mission(row, via): carries a row\naddopts = --strict-markers\n"


def carrying(row: str, via: str, *, holds: bool = True) -> str:
    return (
        f'@pytest.mark.mission("{row}", via="{via}")\n'
        f"def test_{row.lower()}_{via}(): assert {holds}\n"
    )


def mission(folder: Path, *bodies: str) -> tuple[int, dict[str, str], str]:
    """Run the tool over tests of our own; its code, the statuses and what it printed."""
    (folder / "pytest.ini").write_text(INI)
    (folder / "map.md").write_text(MAP)
    (folder / "test_rows.py").write_text("import pytest\n" + "".join(bodies))
    out = folder / "out" / "mission.json"
    done = subprocess.run(  # noqa: S603 - our own script, on our own files
        [
            *(sys.executable, str(ROOT / "tools/mission.py")),
            *("--map", "map.md", "--tests", str(folder), "--out", str(out)),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    rows = json.loads(out.read_text())["rows"] if out.exists() else []
    return done.returncode, {row["id"]: row["status"] for row in rows}, done.stdout + done.stderr


def test_a_row_needs_every_kind_of_test(tmp_path: Path) -> None:
    """A sequence that only ran in simulation, a rule that only holds when planning: missing."""
    code, rows, _ = mission(
        tmp_path,
        carrying("D1", "simulation"),
        carrying("D1", "running"),
        carrying("R1", "plan"),
    )
    assert code == 0
    assert rows == {"D1": "passed", "R1": "missing", "R9": "missing"}


def test_a_failed_test_fails_its_row_and_the_command(tmp_path: Path) -> None:
    """One failure is enough, whatever else carries the row."""
    code, rows, _ = mission(
        tmp_path,
        carrying("R9", "lint"),
        carrying("R1", "plan"),
        carrying("R1", "send", holds=False),
    )
    assert code == 1
    assert rows == {"D1": "missing", "R1": "failed", "R9": "passed"}


def test_a_row_whose_test_cannot_be_set_up_failed(tmp_path: Path) -> None:
    """An error in a fixture is no proof."""
    code, rows, _ = mission(
        tmp_path,
        "@pytest.fixture\ndef broken(): raise OSError\n",
        '@pytest.mark.mission("R9", via="lint")\ndef test_it(broken): pass\n',
    )
    assert code == 1
    assert rows["R9"] == "failed"


def test_a_skipped_test_carries_nothing(tmp_path: Path) -> None:
    """What did not run is no proof, and no failure either."""
    code, rows, _ = mission(tmp_path, "@pytest.mark.skip\n" + carrying("R9", "lint"))
    assert code == 0
    assert rows["R9"] == "missing"


def test_nothing_marked_is_all_missing(tmp_path: Path) -> None:
    """An empty map is a true answer, not an error."""
    code, rows, _ = mission(tmp_path, "def test_other(): pass\n")
    assert code == 0
    assert set(rows.values()) == {"missing"}


@pytest.mark.parametrize(("row", "via"), [("D9", "lint"), ("R9", "hearsay")])
def test_a_mark_of_what_does_not_exist_is_refused(tmp_path: Path, row: str, via: str) -> None:
    """A typing error must not look like a missing row."""
    code, _, said = mission(tmp_path, carrying(row, via))
    assert code == 2
    assert f"no row {row} via {via}" in said


def test_the_real_map_can_be_read() -> None:
    """docs/mission.md names 57 rows, each with kinds of test that exist."""
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        from mission import rows_of  # noqa: PLC0415 - a script, not a package
    finally:
        sys.path.pop(0)
    rows = rows_of((ROOT / "docs/mission.md").read_text())
    assert len(rows) == 57
    assert {row.id[0] for row in rows} == set("ABCDRHTM")
