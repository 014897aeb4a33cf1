"""Write the locks: of what ships, of development, of images and of the bench's peers.

requirements.lock, requirements-dev.lock, deploy/docker/build.lock and
bench/peers/requirements.lock hold versions and hashes and no addresses, so that any index
serves them.
Needs ``uv`` on the path, or in the environment of the running Python.
"""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OWN = "followup-"


def shipped() -> set[str]:
    """Every third-party requirement of the packages in this repository."""
    found: set[str] = set()
    for file in sorted([*ROOT.glob("*/*/pyproject.toml")]):
        project = tomllib.loads(file.read_text())["project"]
        if project["name"] == "followup-testkit":
            continue
        found |= {dep for dep in project["dependencies"] if not dep.startswith(OWN)}
    return found


def development() -> set[str]:
    """What tests and checks need beside that."""
    root = tomllib.loads((ROOT / "pyproject.toml").read_text())
    kit = tomllib.loads((ROOT / "libs/testkit/pyproject.toml").read_text())
    extra = {dep for dep in kit["project"]["dependencies"] if not dep.startswith(OWN)}
    return set(root["dependency-groups"]["dev"]) | extra


def peers() -> set[str]:
    """What the bench's peers need, in an environment of their own."""
    lines = (ROOT / "bench/peers/requirements.txt").read_text().splitlines()
    return {line for line in lines if line and not line.startswith("#")}


def compile_lock(requirements: set[str], target: Path, *, constraint: Path | None = None) -> None:
    """Resolve for every supported Python and platform, with hashes, without addresses."""
    command = [
        *("uv", "pip", "compile", "-", "--universal", "--generate-hashes", "--system-certs"),
        *("--python-version", "3.11", "--no-header", "--no-annotate", "--quiet"),
        *("--no-emit-index-url", "--no-emit-find-links", "-o", str(target)),
    ]
    if constraint is not None:
        command += ["-c", str(constraint)]
    subprocess.run(command, input="\n".join(sorted(requirements)), text=True, check=True)


if __name__ == "__main__":
    compile_lock(shipped(), ROOT / "requirements.lock")
    compile_lock(
        shipped() | development(),
        ROOT / "requirements-dev.lock",
        constraint=ROOT / "requirements.lock",
    )
    compile_lock(
        {"hatchling"},
        ROOT / "deploy/docker/build.lock",
        constraint=ROOT / "requirements-dev.lock",
    )
    compile_lock(peers(), ROOT / "bench/peers/requirements.lock")
    sys.stderr.write("wrote the locks of what ships, of development, of images and of peers\n")
