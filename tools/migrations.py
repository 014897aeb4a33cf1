"""Check that every owner's migrations are one chain: each revision once, each behind the last.

Two changes that were made beside each other each add the next revision; put together they
give a chain two ends, which nothing says before it is migrated. Exit 1 with every fault.
"""

import ast
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHAINS = "*/*/followup_*/migrations/versions"


@dataclass(frozen=True, slots=True)
class Revision:
    """A migration, as its file says."""

    file: str
    revision: object
    down_revision: object


def faults(root: Path) -> list[str]:
    """What is wrong with the chains of a tree, by their folders."""
    return [
        f"{folder.relative_to(root)}: {fault}"
        for folder in sorted(root.glob(CHAINS))
        for fault in _broken([_read(file) for file in sorted(folder.glob("*.py"))])
    ]


def _broken(chain: Sequence[Revision]) -> Iterator[str]:
    """Files are in the order of their names, which is that of the chain."""
    before: Revision | None = None
    for each in chain:
        if each.file.partition("_")[0] != each.revision:
            yield f"{each.file} is not named after its revision {each.revision}"
        if before is not None and each.revision == before.revision:
            yield f"{before.file} and {each.file} are both revision {each.revision}"
        if each.down_revision != (expected := None if before is None else before.revision):
            yield f"{each.file} follows {each.down_revision}, and should follow {expected}"
        before = each


def _read(file: Path) -> Revision:
    said: dict[str, object] = {}
    for statement in ast.parse(file.read_text()).body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=value)):
                said[name] = value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant(value=value)):
                said[name] = value
    return Revision(file.name, said.get("revision"), said.get("down_revision"))


def main(root: Path = ROOT) -> int:
    """Print every fault; the exit status."""
    found = faults(root)
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
