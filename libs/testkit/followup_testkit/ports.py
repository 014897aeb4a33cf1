"""Free ports, and waiting for a broker to listen on one."""

import os
import socket
import time
from collections.abc import Callable
from itertools import count
from urllib.parse import urlsplit

from followup_testkit.errors import NoBroker

_GREETING = b"AMQP\x00\x00\x09\x01"


_LOWEST, _STRETCHES, _STRETCH = 15_000, 128, 128
"""Below the ports that Linux gives to outgoing connections (32768 and up): what is free here
is not taken by one of those before somebody listens on it."""
_looked = count()


def free_port() -> int:
    """A port nobody listens on at this moment; raises `NoBroker` where none is found.

    Whoever is told of one listens on it a little later. So none is told of twice soon, and
    processes that were started together look in stretches of their own.
    """
    lowest = _LOWEST + os.getpid() % _STRETCHES * _STRETCH
    for _ in range(_STRETCH):
        port = lowest + next(_looked) % _STRETCH
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise NoBroker("no port is free")


def wait_for_amqp(url: str, *, within: float, alive: Callable[[], str | None]) -> None:
    """Block until a broker answers AMQP's greeting at this address.

    `alive` gives a reason to give up at once, or None. Raises `NoBroker`.
    """
    end = time.monotonic() + within
    while (error := _greet(url)) is not None:
        if (reason := alive()) is not None:
            raise NoBroker(reason)
        if time.monotonic() > end:
            raise NoBroker(f"no broker answered within {within:.0f} s: {error}")
        time.sleep(0.1)


def _greet(url: str) -> str | None:
    parts = urlsplit(url)
    try:
        with socket.create_connection(
            (parts.hostname or "127.0.0.1", parts.port or 5672), timeout=2
        ) as link:
            link.sendall(_GREETING)
            return None if link.recv(1) else "it hung up"
    except OSError as error:
        return f"{type(error).__name__}: {error}"
