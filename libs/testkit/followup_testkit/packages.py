"""Packages of Debian and Ubuntu that tests need, installed where they are missing."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

_LOCK_SECONDS = 180
"""How long another one's `apt-get` on this machine is waited for."""


def install(package: str, *, missing: Callable[[], bool]) -> str | None:
    """Have a package here if this is root on Debian or Ubuntu; why that failed, or None.

    Several workers of one run find it missing at once: the first installs it, and no two
    install something at the same time.
    """
    if not missing() or os.geteuid() != 0 or shutil.which("apt-get") is None:
        return None
    with (Path(tempfile.gettempdir()) / "followup-install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _install(package) if missing() else None


def _install(package: str) -> str | None:
    environment = {
        **os.environ,
        "DEBIAN_FRONTEND": "noninteractive",
        "RUNLEVEL": "1",  # the package would start a server of its own
    }
    for arguments in (["update"], ["install", "-y", "--no-install-recommends", package]):
        done = subprocess.run(
            ["apt-get", "-qq", "-o", f"DPkg::Lock::Timeout={_LOCK_SECONDS}", *arguments],
            env=environment,
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            return f"apt-get {arguments[0]} failed: {done.stderr.strip()[-300:]}"
    return None
