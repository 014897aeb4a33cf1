"""A process with one service, for the tests of the drain: run as a script.

Arguments: what the runner does when told to stop. Prints a line per step.
"""

import asyncio
import sys

from fastapi import APIRouter

from followup_runtime import logging
from followup_runtime.databases import Databases
from followup_runtime.metrics import Metrics
from followup_runtime.process import serve
from followup_runtime.service import Service
from followup_runtime.settings import read


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the test reads it


class Worker:
    name = "worker"

    def __init__(self, manner: str, asked: asyncio.Event) -> None:
        self.manner = manner
        self.asked = asked  # set when the slow request is through
        self.stopping = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        if self.manner == "breaks":
            raise RuntimeError("broken")
        await stop.wait()
        if self.manner == "hangs":
            await asyncio.Event().wait()
        self.stopping.set()
        await self.asked.wait()  # the batch in hand
        say("worker done")


class Relay:
    name = "relay"

    async def run(self, stop: asyncio.Event) -> None:
        await stop.wait()
        say("relay flushed")


def routes(worker: Worker) -> APIRouter:
    router = APIRouter()

    @router.get("/slow")
    async def slow() -> str:
        say("request begun")
        await worker.stopping.wait()
        worker.asked.set()
        return "answered"

    return router


async def close() -> None:
    say("closed")


async def main(manner: str) -> int:
    logging.configure()
    databases = Databases.open("postgresql://nobody@127.0.0.1:9/none")
    worker = Worker(manner, asyncio.Event())
    service = Service("sample", routes(worker), [worker], [Relay()], close=close)
    settings = read({"FOLLOWUP_HTTP_PORT": "0"})
    return await serve([service], settings, databases=databases, metrics=Metrics(), on_ready=say)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1])))
