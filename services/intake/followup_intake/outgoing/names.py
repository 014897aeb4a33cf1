"""Names of endpoints, looked up apart from everybody else's.

The system's look-up blocks a thread for as long as a name's servers keep silent, and
whoever sets a URL chooses those servers. So the threads are these look-ups' own: in the
loop's few the database's name, and all work done there, would wait for a stranger's.
"""

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

LOOKUPS = 128
"""At once: one for each call, and as many again that outlast the call they were made for."""
_NUMERIC = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV


class Names(AbstractResolver):
    """Looks names up by the system's rules. `ask` is `socket.getaddrinfo`."""

    def __init__(self, ask: Callable[..., Any] = socket.getaddrinfo) -> None:
        self._ask = ask
        self._threads = ThreadPoolExecutor(LOOKUPS, thread_name_prefix="endpoint-name")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a name; raises `OSError` where it has none."""
        ask = partial(
            self._ask,
            host,
            port,
            family=family,
            type=socket.SOCK_STREAM,
            flags=socket.AI_ADDRCONFIG,
        )
        found = await asyncio.get_running_loop().run_in_executor(self._threads, ask)
        return [
            ResolveResult(
                hostname=host,
                host=str(place[0]),
                port=int(place[1]),
                family=kind,
                proto=protocol,
                flags=_NUMERIC,
            )
            for kind, _, protocol, _, place in found
        ]

    async def close(self) -> None:
        """Begin no more; what is under way ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)
