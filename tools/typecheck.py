"""Check the types of every package of this repository, strictly (mypy)."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def packages() -> list[str]:
    """The import packages, by the folders that hold them."""
    return sorted(found.parent.name for found in ROOT.glob("*/*/followup_*/__init__.py"))


if __name__ == "__main__":
    arguments = [part for name in packages() for part in ("-p", name)]
    command = [sys.executable, "-m", "mypy", *arguments]
    sys.exit(subprocess.run(command, cwd=ROOT, check=False).returncode)
