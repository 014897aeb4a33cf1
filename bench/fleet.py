"""The processes of a run: stub, services, and the servers they work with."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import httpx

from followup_database.embedded import EmbeddedPostgres
from followup_testkit.brokers import Broker, find_broker
from followup_testkit.reaper import Reaper

READY_WITHIN = 60.0


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@dataclass
class Servers:
    """A broker and a PostgreSQL of this run's own, with their ordinary settings."""

    reaper: Reaper
    broker: Broker
    postgres: EmbeddedPostgres

    @classmethod
    def start(cls) -> Self:
        """Start both; they end with this process, however it ends."""
        folder = Path(tempfile.mkdtemp(prefix="followup-bench-"))
        folder.chmod(0o755)
        reaper = Reaper()
        reaper.delete(folder)
        broker = find_broker(folder / "rabbit", reaper)
        reaper.stop_postgres(folder / "postgres")
        return cls(reaper, broker, EmbeddedPostgres.start(folder / "postgres"))

    def stop(self) -> None:
        """End both."""
        self.broker.stop()
        self.postgres.stop()
        self.reaper.close()


@dataclass
class Fleet:
    """Processes by name; each service listens on a port of its own."""

    environment: dict[str, str]
    processes: dict[str, subprocess.Popen] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    logs: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="followup-logs-")))

    def stub(self) -> str:
        """Start the provider; returns its address."""
        port = self.ports["stub"] = free_port()
        self._start("stub", [str(Path(__file__).with_name("stub.py")), str(port)])
        self._await(f"http://127.0.0.1:{port}/seen", "stub")
        return f"http://127.0.0.1:{port}"

    def service(self, name: str) -> str:
        """Start a service; returns its address once it is ready."""
        port = self.ports[name] = free_port()
        self._start(name, ["-m", f"followup_{name}"], FOLLOWUP_HTTP_PORT=str(port))
        self._await(f"http://127.0.0.1:{port}/readyz", name)
        return f"http://127.0.0.1:{port}"

    def peak_memory_mb(self) -> dict[str, float]:
        """The most each process has held in memory (VmHWM), in MB."""
        return {
            name: round(_peak(process.pid), 1)
            for name, process in self.processes.items()
            if process.poll() is None
        }

    def stop(self) -> None:
        """End every process, services by a drain."""
        for process in reversed(self.processes.values()):
            process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()

    def _start(self, name: str, arguments: list[str], **more: str) -> None:
        with (self.logs / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, *arguments],
                env={**os.environ, **self.environment, **more},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _await(self, url: str, name: str) -> None:
        end = time.monotonic() + READY_WITHIN
        while time.monotonic() < end:
            if self.processes[name].poll() is not None:
                break
            try:
                if httpx.get(url, timeout=2).is_success:
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
