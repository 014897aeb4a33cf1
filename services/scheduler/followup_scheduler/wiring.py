"""Putting the scheduler together: the only file that names concrete classes."""

from datetime import timedelta

from fastapi import APIRouter

from followup_messaging.consumer import Consumer
from followup_messaging.outbox import Outbox
from followup_messaging.port import Bus
from followup_messaging.rabbitmq import RabbitBus
from followup_runtime import logging, process
from followup_runtime.databases import Databases
from followup_runtime.errors import SettingsError
from followup_runtime.keyring import keys_of
from followup_runtime.loops import Loop, LoopRunner, Runner
from followup_runtime.metrics import Metrics
from followup_runtime.service import Service
from followup_runtime.settings import variable
from followup_scheduler.book import SequenceBook
from followup_scheduler.enroller import Enroller
from followup_scheduler.facts import FactFinder
from followup_scheduler.figures import Figures
from followup_scheduler.handlers.captured import CapturedLeads
from followup_scheduler.handlers.feedback import ProviderFeedback
from followup_scheduler.handlers.outcomes import TouchOutcomes
from followup_scheduler.handlers.product import ProductEvents
from followup_scheduler.handlers.replies import Replies
from followup_scheduler.http import enrollments, leads, sequences, tasks
from followup_scheduler.loops import Reconciler, TimerLoop
from followup_scheduler.runs import RunStore
from followup_scheduler.settings import SchedulerSettings
from followup_suppression import AddressHasher, StopFence

NAME = "scheduler"
_DOCUMENT_BYTES = 320 * 1024  # a document may have 256 KB; JSON of it has a little more


def build(
    settings: SchedulerSettings,
    *,
    bus: Bus,
    databases: Databases,
    metrics: Metrics,
    suppression_key: bytes,
) -> Service:
    """The scheduler on this bus and these databases; nothing runs yet."""
    outbox = Outbox(NAME, bus, databases.worker)
    runs = RunStore(
        book=SequenceBook(),
        finder=FactFinder(AddressHasher(suppression_key)),
        outbox=outbox,
        figures=Figures(metrics),
    )
    enroller = Enroller(runs, window=settings.window)
    handlers = {
        "scheduler.leads.now": CapturedLeads(enroller, outbox).handle,
        "scheduler.leads.later": CapturedLeads(enroller, outbox).handle,
        "scheduler.touches": TouchOutcomes(runs).handle,
        "scheduler.feedback": ProviderFeedback(runs).handle,
        "scheduler.replies": Replies(runs).handle,
        "scheduler.product": ProductEvents(runs).handle,
    }
    consumers = [
        Consumer(bus=bus, database=databases.worker, queue=queue, service=NAME, handle=handle)
        for queue, handle in handlers.items()
    ]
    loops: list[Loop] = [
        TimerLoop(databases.worker, runs, window=settings.window),
        Reconciler(databases.worker, runs, after=timedelta(seconds=settings.unanswered_seconds)),
        outbox.sweeper,
    ]
    runners: list[Runner] = [*consumers, *(LoopRunner(loop, metrics=metrics) for loop in loops)]

    async def ready() -> str | None:
        return None if bus.connected else "the bus is not connected"

    return Service(
        name=NAME,
        router=_routes(databases, runs, enroller, outbox),
        runners=runners,
        finishers=[outbox.relay],
        ready=ready,
        body_limits={"/v1/sequences": _DOCUMENT_BYTES},
    )


async def run(settings: SchedulerSettings) -> int:
    """The scheduler alone in its process, until it is told to stop; the exit code.

    Raises `SettingsError` without a database and a broker: alone it needs both.
    """
    for name in ("database_url", "amqp_url"):
        if getattr(settings, name) is None:
            raise SettingsError(f"{variable(name)}: required by a service that runs alone")
    logging.configure(json=settings.log_format == "json", level=settings.log_level)
    databases = Databases.open(
        settings.database_url or "",
        api_pool=settings.api_pool,
        worker_pool=settings.worker_pool,
        application=f"followup {NAME}",
    )
    bus = RabbitBus(settings.amqp_url or "")
    metrics = Metrics()
    try:
        await bus.connect()
        service = build(
            settings,
            bus=bus,
            databases=databases,
            metrics=metrics,
            suppression_key=keys_of(settings).suppression_key,
        )
        return await process.serve([service], settings, databases=databases, metrics=metrics)
    finally:
        await bus.close()
        await databases.close()


def _routes(databases: Databases, runs: RunStore, enroller: Enroller, outbox: Outbox) -> APIRouter:
    router = APIRouter()
    for part in (
        sequences.routes(sequences.SequenceRoutes(databases=databases, book=runs.book)),
        enrollments.routes(
            enrollments.EnrollmentRoutes(
                databases=databases, runs=runs, enroller=enroller, fence=StopFence()
            )
        ),
        leads.routes(leads.TimelineRoutes(databases=databases)),
        tasks.routes(tasks.TaskRoutes(databases=databases, outbox=outbox)),
    ):
        router.include_router(part)
    return router
