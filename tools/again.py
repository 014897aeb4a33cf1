"""Run what has just failed in the suite once more, alone: a defect fails again.

The suite works on real brokers and databases, on machines that stand still for seconds now
and then. One to three tests that fail beside the others and pass by themselves don't stop a
change; they are printed, to be mended as the defects they are. More than three at once are
no accident, and neither is a run that ended without saying what failed: exit 1.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FAILED = Path(".pytest_cache/v/cache/lastfailed")
MOST = 3


def failed(root: Path) -> list[str]:
    """The tests that failed in the last run; none where it left no word."""
    try:
        return sorted(json.loads((root / FAILED).read_text()))
    except FileNotFoundError:
        return []


def main(root: Path = ROOT) -> int:
    """Run them; the exit status of pytest, or 1 where they are none or too many."""
    tests = failed(root)
    print(f"{len(tests)} failed:", *tests, sep="\n  ", flush=True)
    if not 1 <= len(tests) <= MOST:
        return 1
    command = [sys.executable, "-m", "pytest", "--last-failed", "--last-failed-no-failures=none"]
    status = subprocess.run(command, cwd=root, check=False).returncode
    verdict = "a defect" if status else "passed alone: unsteady, to be mended"
    print(*(f"{test}: {verdict}" for test in tests), sep="\n", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
