"""Nothing we start outlives the test run, not even one that was killed.

A child process waits for its standard input to close, which happens however its
parent ends, and then kills process groups and deletes folders.
"""

import subprocess
import sys
from pathlib import Path

_SCRIPT = """
import os, shutil, signal, sys, time
groups, folders, containers = {}, [], {}
for line in sys.stdin:
    verb, _, what = line.strip().partition(" ")
    if verb == "group": groups[what] = True
    elif verb == "forget": groups.pop(what, None)
    elif verb == "folder": folders.append(what)
    elif verb == "postgres": groups["postgres:" + what] = True
    elif verb == "container": containers[what] = True
    elif verb == "removed": containers.pop(what, None)
for what in groups:
    try:
        if what.startswith("postgres:"):
            with open(os.path.join(what[9:], "postmaster.pid")) as file:
                os.kill(int(file.readline()), signal.SIGQUIT)
        else:
            os.killpg(int(what), signal.SIGKILL)
    except (OSError, ValueError):
        pass
if containers:
    import docker
    client = docker.from_env()
    for what in containers:
        try:
            client.containers.get(what).remove(force=True, v=True)
        except docker.errors.DockerException:
            pass
time.sleep(0.3)
for folder in folders:
    shutil.rmtree(folder, ignore_errors=True)
"""


class Reaper:
    """Ends what it was told of when this process ends."""

    def __init__(self) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-c", _SCRIPT],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # a Ctrl-C in the terminal must not end it first
            text=True,
        )

    def kill_group(self, group: int) -> None:
        """Kill this process group at the end."""
        self._tell(f"group {group}")

    def forget_group(self, group: int) -> None:
        """It is gone already, and its number may be somebody else's by then."""
        self._tell(f"forget {group}")

    def stop_postgres(self, folder: Path) -> None:
        """Stop the server whose data live here, if it still runs."""
        self._tell(f"postgres {folder}")

    def delete(self, folder: Path) -> None:
        """Delete this folder at the end."""
        self._tell(f"folder {folder}")

    def remove_container(self, identity: str) -> None:
        """Remove this container, with its volumes, at the end."""
        self._tell(f"container {identity}")

    def forget_container(self, identity: str) -> None:
        """It is removed already."""
        self._tell(f"removed {identity}")

    def close(self) -> None:
        """Do it all now, and wait until it is done."""
        if self._child.stdin is not None:
            self._child.stdin.close()
        self._child.wait(timeout=30)

    def _tell(self, line: str) -> None:
        assert self._child.stdin is not None
        self._child.stdin.write(line + "\n")
        self._child.stdin.flush()
