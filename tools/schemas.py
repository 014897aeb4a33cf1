"""Write the published schemas from the message classes.

    python tools/schemas.py                      what is new, and docs/reference/asyncapi.json
    python tools/schemas.py --unreleased TYPE …  also versions that no release has carried

A released version never changes: where its class no longer gives its golden file the
answer is 1, and a new class for a new version is what is needed.
"""

import argparse
import json
import sys
import tomllib
from pathlib import Path
from typing import Any

from followup_contracts.asyncapi import document
from followup_contracts.registry import MESSAGES
from followup_contracts.schema import contract

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests/contracts/golden"
ASYNCAPI = ROOT / "docs/reference/asyncapi.json"


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI document of this version of the project."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return document(project["version"])


def written(value: dict[str, Any]) -> str:
    """JSON as it stands in the repository."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    """Write what may be written; 1 when a released version would change."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--unreleased", nargs="*", default=[], metavar="TYPE")
    unreleased = set(parser.parse_args(arguments).unreleased)
    GOLDEN.mkdir(parents=True, exist_ok=True)
    ASYNCAPI.parent.mkdir(parents=True, exist_ok=True)
    changed = []
    for name, payload in MESSAGES.items():
        path, text = GOLDEN / f"{name}.json", written(contract(payload))
        if path.exists() and path.read_text() != text and name not in unreleased:
            changed.append(name)
        else:
            path.write_text(text)
    ASYNCAPI.write_text(written(asyncapi()))
    for name in changed:
        print(f"{name}: its class gives another schema than was published", file=sys.stderr)
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
