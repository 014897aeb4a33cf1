"""Free ports, and waiting for a broker to listen on one."""

import socket
import time
from collections.abc import Callable
from random import Random
from urllib.parse import urlsplit

from followup_testkit.errors import NoBroker

_GREETING = b"AMQP\x00\x00\x09\x01"


_LOWEST, _HIGHEST = 15_000, 32_000
"""Below the ports that Linux gives to outgoing connections (32768 and up): what is free here
is not taken by one of those before somebody listens on it."""


def free_port() -> int:
    """A port nobody listens on at this moment; raises `NoBroker` where none is found."""
    ports = Random()  # noqa: S311 - so that two who look at once find two
    for _ in range(100):
        port = ports.randrange(_LOWEST, _HIGHEST)
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
