"""The links of a run: HTTP fronts that spread connections, and where a process's sockets are."""

import asyncio
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from followup_testkit.proxies import TcpProxy

_ESTABLISHED = "01"


class Front(TcpProxy):
    """One address for several replicas, as a load balancer gives: each connection to the next.

    One that refuses is passed over.
    """

    def __init__(self, ports: Sequence[int]) -> None:
        super().__init__(("127.0.0.1", 0))
        self._ports = list(ports)

    async def _dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        for _ in self._ports[1:]:
            self._ports.append(self._ports.pop(0))
            with suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", self._ports[0])
        self._ports.append(self._ports.pop(0))
        return await asyncio.open_connection("127.0.0.1", self._ports[0])

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self.host}:{self.port}"


def ports_towards(pid: int, port: int) -> frozenset[int]:
    """The local ports of a process's open connections to `port` of this machine."""
    inodes = set()
    with suppress(OSError):  # the process may end while we look
        for entry in os.scandir(f"/proc/{pid}/fd"):
            with suppress(OSError):
                inodes.add(str(Path(entry.path).readlink()))
    return frozenset(
        _port(row[1])
        for row in map(str.split, Path("/proc/net/tcp").read_text().splitlines()[1:])
        if row[3] == _ESTABLISHED and _port(row[2]) == port and f"socket:[{row[9]}]" in inodes
    )


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)
