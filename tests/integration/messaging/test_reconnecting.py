import asyncio
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvloop

from followup_messaging.rabbitmq import RabbitBus
from followup_testkit.waiting import until

RESET = struct.pack("ii", 1, 0)


@contextmanager
def hanging_up(*, reset: bool) -> Iterator[tuple[int, list[int]]]:
    """A port whose every caller is turned away at once; the port, and a mark for each."""
    met: list[int] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                link, _ = listener.accept()
            except OSError:
                return  # the end of the test
            if reset:
                link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            link.close()
            met.append(1)

    # A thread of its own: it hangs up while the caller is still setting up its side.
    thread = threading.Thread(target=serve)
    thread.start()
    yield listener.getsockname()[1], met
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_a_peer_that_hangs_up_at_once_is_tried_again(run, reset):
    """A broker that is going down, or just starting, answers so: nobody gives up on it."""

    async def tries(port: int, met: list[int]) -> None:
        bus = RabbitBus(f"amqp://guest:guest@127.0.0.1:{port}/")
        await bus.connect()
        await until(lambda: len(met) >= 4, what="four tries")
        assert not bus.connected
        await bus.close()

    with hanging_up(reset=reset) as (port, met):
        run(tries(port, met))
