"""The processes of a measurement: the stub and the services."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from followup_testkit.ports import free_port
from followup_testkit.reaper import Reaper

HERE = Path(__file__).parent
READY_WITHIN = 120.0
STILL_AT_MOST = 18.0
"""Seconds; a link is given up after two heartbeats of ten that nobody answered."""
_MB = 1024 * 1024


@dataclass
class Fleet:
    """Processes by name; each service listens on a port of its own.

    None outlives this process, however it ends.
    """

    environment: dict[str, str]
    reaper: Reaper
    processes: dict[str, subprocess.Popen] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)
    logs: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="followup-logs-")))
    """Kept after a run: they tell why one failed."""

    def stub(self, *, seconds: float = 0.0, name: str = "stub") -> str:
        """Start a provider, which takes that long to answer; returns its address."""
        port = free_port()
        self._start(name, [str(HERE / "stub.py"), str(port), str(seconds)])
        self.urls[name] = f"http://127.0.0.1:{port}"
        self._await(name, "/seen")
        return self.urls[name]

    def services(self, *names: str) -> None:
        """Start services and wait until all are ready."""
        for name in names:
            self._service(name, ["-m", f"followup_{name}"])
        for name in names:
            self._await(name, "/readyz")

    def dispatcher(self, *, calls: int, name: str = "dispatcher") -> None:
        """Start a dispatcher that makes so many calls at once."""
        self._service(name, [str(HERE / "service.py"), str(calls)])
        self._await(name, "/readyz")

    @contextmanager
    def still(self) -> Iterator[None]:
        """Keep every process from running: what is measured meanwhile has the machine.

        Raises when that took so long that the broker may have given up their links.
        """
        began = time.monotonic()
        try:
            self._signal(signal.SIGSTOP)
            yield
        finally:
            self._signal(signal.SIGCONT)
        if time.monotonic() - began > STILL_AT_MOST:
            raise RuntimeError(f"services stood still for more than {STILL_AT_MOST:.0f} s")

    def _signal(self, number: int) -> None:
        for pid in self.pids().values():
            os.kill(pid, number)

    def pids(self) -> dict[str, int]:
        """Every process that runs."""
        return {n: p.pid for n, p in self.processes.items() if p.poll() is None}

    def memory_mb(self, name: str) -> float:
        """What a process holds in memory now."""
        return psutil.Process(self.processes[name].pid).memory_info().rss / _MB

    def peak_memory_mb(self) -> dict[str, float]:
        """The most each process has held in memory (VmHWM)."""
        return {name: round(_peak(pid), 1) for name, pid in self.pids().items()}

    def stop(self, *names: str) -> None:
        """End these processes, or every one; services by a drain."""
        ended = [self.processes.pop(name) for name in names or list(self.processes)]
        for process in reversed(ended):
            process.send_signal(signal.SIGTERM)
        for process in ended:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            self.reaper.forget_group(process.pid)

    def _service(self, name: str, arguments: list[str]) -> None:
        port = free_port()
        self.urls[name] = f"http://127.0.0.1:{port}"
        self._start(name, arguments, FOLLOWUP_HTTP_PORT=str(port))

    def _start(self, name: str, arguments: list[str], **more: str) -> None:
        with (self.logs / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, *arguments],
                env={**os.environ, **self.environment, **more},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.reaper.kill_group(self.processes[name].pid)

    def _await(self, name: str, path: str) -> None:
        end = time.monotonic() + READY_WITHIN
        while time.monotonic() < end and self.processes[name].poll() is None:
            try:
                if httpx.get(self.urls[name] + path, timeout=2).is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        tail = (self.logs / f"{name}.log").read_text()[-2000:]
        raise RuntimeError(f"{name} is not ready:\n{tail}")


def _peak(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0
