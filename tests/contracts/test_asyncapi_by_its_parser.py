"""docs/reference/asyncapi.json, read by the parser that AsyncAPI itself keeps.

It is a package of npm, installed beside its lock file when it is first needed. Where there
is no npm, or it cannot reach what it needs, these tests are skipped: that says nothing of
the document. test_asyncapi.py holds the same document to our own code everywhere.
"""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).parent / "asyncapi"
WRITTEN = ROOT / "docs/reference/asyncapi.json"
INSTALL = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
PATIENCE = 90


@pytest.fixture(scope="module")
def checker() -> list[str]:
    """The command that reads documents."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("the parser of AsyncAPI needs node and npm")
    if not (FOLDER / "node_modules/.package-lock.json").exists():  # npm writes it last
        _install()
    return [node, str(FOLDER / "check.mjs")]


def _install() -> None:
    try:
        done = subprocess.run(  # noqa: S603 - our own lock file, and no scripts of others
            INSTALL, cwd=FOLDER, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm did not install the parser of AsyncAPI within {PATIENCE} s")
    if done.returncode:
        pytest.skip(f"npm could not install the parser of AsyncAPI: {done.stderr[-300:]}")


def told(checker: list[str], *documents: Path) -> list[dict[str, Any]]:
    """What the parser says of documents."""
    run = subprocess.run(  # noqa: S603 - our own script
        [*checker, *map(str, documents)], capture_output=True, text=True, check=True
    )
    return json.loads(run.stdout)


def test_the_official_parser_finds_nothing_wrong(checker, tmp_path) -> None:
    """No error and no warning in ours; and it would say so, as it does of one that is broken."""
    broken = json.loads(WRITTEN.read_text())
    some = next(iter(broken["channels"].values()))
    some["messages"] = {name: {"$ref": "#/components/messages/none"} for name in some["messages"]}
    (tmp_path / "broken.json").write_text(json.dumps(broken))

    ours, theirs = told(checker, WRITTEN, tmp_path / "broken.json")
    assert [each for each in ours["found"] if each["severity"] <= 1] == []
    assert ours["channels"] == len(broken["channels"])
    assert any(each["severity"] == 0 for each in theirs["found"])
