"""A name whose servers keep silent holds up whoever asks for it, and nobody else."""

import asyncio
import socket
import threading
from typing import Any

from followup_intake.outgoing.courier import CALLS
from followup_intake.outgoing.names import Names
from followup_testkit.waiting import until


async def test_silent_name_servers_hold_up_nobody_else() -> None:
    """With every call at one of theirs, other names and the loop's own are looked up."""
    answered = threading.Event()
    asked: list[str] = []

    def ask(host: str, *given: Any, **more: Any) -> Any:
        if host == "silent.example":
            asked.append(host)
            answered.wait()
        return socket.getaddrinfo("127.0.0.1", *given, **more)

    names = Names(ask)
    waiting = [asyncio.create_task(names.resolve("silent.example", 443)) for _ in range(CALLS)]
    try:
        await until(lambda: len(asked) == CALLS)
        (found,) = await names.resolve("swift.example", 443)
        assert (found["host"], found["port"]) == ("127.0.0.1", 443)
        assert await asyncio.get_running_loop().getaddrinfo("127.0.0.1", 1)
        assert not any(each.done() for each in waiting)
    finally:
        answered.set()
        await asyncio.gather(*waiting)
        await names.close()
