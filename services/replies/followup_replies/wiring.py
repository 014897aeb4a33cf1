"""Putting replies together: the only file that names concrete classes."""

from fastapi import APIRouter

from followup_messaging.outbox import Outbox
from followup_messaging.port import Bus
from followup_runtime.databases import Databases
from followup_runtime.loops import LoopRunner
from followup_runtime.metrics import Metrics
from followup_runtime.service import Service
from followup_runtime.settings import Settings

NAME = "replies"


def build(
    settings: Settings,
    *,
    bus: Bus,
    databases: Databases,
    metrics: Metrics,
) -> Service:
    """Replies on this bus and these databases; nothing runs yet."""
    del settings
    outbox = Outbox(NAME, bus, databases.worker)

    async def ready() -> str | None:
        return None if bus.connected else "the bus is not connected"

    return Service(
        name=NAME,
        router=APIRouter(),
        runners=[LoopRunner(outbox.sweeper, metrics=metrics)],
        finishers=[outbox.relay],
        pending=lambda: outbox.relay.pending,
        ready=ready,
    )
