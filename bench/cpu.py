"""Processor seconds by process: on a machine that others use too, a steadier figure than time."""

from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Meter:
    """Reads what the processes of a run have used so far."""

    services: dict[str, int]
    postgres: Path

    def read(self) -> dict[str, float]:
        """Seconds by name: every service, the stub, PostgreSQL and RabbitMQ."""
        used = {name: _own(psutil.Process(pid)) for name, pid in self.services.items()}
        return used | {"postgres": self._postgres(), "rabbitmq": _rabbitmq()}

    def _postgres(self) -> float:
        lines = (self.postgres / "postmaster.pid").read_text().splitlines()
        server = psutil.Process(int(lines[0]))
        times = server.cpu_times()
        # Backends that have ended are counted by the server itself.
        return (
            _own(server)
            + times.children_user
            + times.children_system
            + sum(_alive(child) for child in server.children())
        )


def per_item(before: dict[str, float], after: dict[str, float], items: int) -> dict[str, float]:
    """Milliseconds each process has used for one item, and all of them together."""
    spent = {name: round((after[name] - before[name]) / items * 1000, 3) for name in before}
    return spent | {"all": round(sum(spent.values()), 3)}


def of_tree(pid: int) -> float:
    """Seconds a process and those it has started have used so far."""
    process = psutil.Process(pid)
    return _own(process) + sum(_alive(child) for child in process.children(recursive=True))


def _rabbitmq() -> float:
    ours = psutil.Process().children(recursive=True)
    return sum(_alive(child) for child in ours if _is_broker(child))


def _is_broker(process: psutil.Process) -> bool:
    try:
        return process.name().startswith("beam")
    except psutil.NoSuchProcess:
        return False


def _alive(process: psutil.Process) -> float:
    try:
        return _own(process)
    except psutil.NoSuchProcess:
        return 0.0


def _own(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system
