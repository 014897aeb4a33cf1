"""Putting the scheduler together: the only file that names concrete classes."""

import asyncio

import httpx
from fastapi import APIRouter

from followup_messaging.consumer import Consumer
from followup_messaging.maintenance import ExpiredLetters, Months
from followup_messaging.outbox import Outbox
from followup_messaging.port import Bus
from followup_messaging.watch import MessagingWatch, QueueWatch
from followup_policy.readiness import read_tables
from followup_runtime.databases import Databases
from followup_runtime.keyring import keys_of
from followup_runtime.loops import Loop, LoopRunner, Runner
from followup_runtime.metrics import Metrics
from followup_runtime.removals import RemovalLoop
from followup_runtime.rights import RightsLoop
from followup_runtime.service import Service
from followup_runtime.settings import Settings
from followup_scheduler.book import SequenceBook
from followup_scheduler.counting import Counting
from followup_scheduler.drafters.openai import ModelDrafter
from followup_scheduler.drafters.port import Drafter, TemplateDrafter
from followup_scheduler.drafting import Drafting
from followup_scheduler.enroller import Enroller
from followup_scheduler.facts import FactFinder
from followup_scheduler.figures import Figures
from followup_scheduler.forgetting import end_work
from followup_scheduler.handlers.captured import CapturedLeads
from followup_scheduler.handlers.feedback import ProviderFeedback
from followup_scheduler.handlers.outcomes import TouchOutcomes
from followup_scheduler.handlers.product import ProductEvents
from followup_scheduler.handlers.replies import Replies
from followup_scheduler.http import agenda, approvals, enrollments, leads, sequences, tasks
from followup_scheduler.lapses import Lapses
from followup_scheduler.loops import Reconciler, TimerLoop
from followup_scheduler.moves import Moves
from followup_scheduler.reminders import Reminders
from followup_scheduler.reviewing import Reviewing
from followup_scheduler.runs import RunStore
from followup_scheduler.settings import SchedulerSettings
from followup_scheduler.starting import Starter
from followup_scheduler.successors import Successors
from followup_scheduler.tables import PERSONAL
from followup_scheduler.taskbook import TaskBook
from followup_scheduler.undecided import Undecided
from followup_scheduler.watch import Watch
from followup_suppression import AddressHasher, StopFence

NAME = "scheduler"
LINGER = {"scheduler.touches": 0.05, "scheduler.feedback": 0.05, "scheduler.leads.later": 0.02}
"""Seconds in which a batch is gathered, where nobody waits for its outcome."""
MOST = {"scheduler.leads.later": 50}
"""Messages of a batch where it is not two hundred. An import's leads cost over a millisecond
each, and whoever filled in a form meanwhile waits for the batch at hand."""
MODEL_SECONDS = 20.0
_DOCUMENT_BYTES = 320 * 1024  # a document may have 256 KB; JSON of it has a little more


def build(
    settings: Settings,
    *,
    bus: Bus,
    databases: Databases,
    metrics: Metrics,
    own: SchedulerSettings | None = None,
) -> Service:
    """The scheduler on this bus and these databases; nothing runs yet."""
    read_tables()
    own = own or SchedulerSettings()
    outbox = Outbox(NAME, bus, databases.worker)
    runs = RunStore(
        book=SequenceBook(),
        finder=FactFinder(AddressHasher(keys_of(settings).suppression_key)),
        outbox=outbox,
        figures=Figures(metrics),
    )
    enroller = Enroller(runs, window=own.window)
    runs.successor = Successors(enroller).enter
    handlers = {
        "scheduler.leads.now": CapturedLeads(enroller, outbox).handle,
        "scheduler.leads.later": CapturedLeads(enroller, outbox).handle,
        "scheduler.touches": TouchOutcomes(runs).handle,
        "scheduler.feedback": ProviderFeedback(runs).handle,
        "scheduler.replies": Replies(runs).handle,
        "scheduler.product": ProductEvents(runs, Starter(runs.book, enroller)).handle,
    }
    consumers = [
        Consumer(
            bus=bus,
            database=databases.worker,
            queue=queue,
            service=NAME,
            handle=handle,
            linger=LINGER.get(queue, 0.002),
            most=MOST.get(queue, 200),
        )
        for queue, handle in handlers.items()
    ]
    moved = [asyncio.Event() for _ in range(3)]
    timers = TimerLoop(databases.worker, runs, window=own.window)
    reminders = Reminders(databases.worker, outbox)
    lapses = Lapses(databases.worker, runs)
    model = _client(settings)
    loops: list[Loop] = [
        Reconciler(databases.worker, runs, after=own.unanswered),
        Undecided(databases.worker, outbox),
        Moves(databases.worker, runs),
        Counting(databases.worker, runs.evidence),
        Drafting(databases.worker, _drafter(settings, model)),
        outbox.sweeper,
        # Nobody's in particular, so they are here: every deployment has a scheduler.
        Months(databases.worker, "messaging"),
        ExpiredLetters(databases.worker),
        MessagingWatch(databases.worker, metrics),
        Watch(databases.worker, metrics, unanswered=own.unanswered),
        QueueWatch(NAME, bus, metrics),
        RightsLoop(NAME, databases.worker, PERSONAL, before=end_work),
        RemovalLoop(NAME, databases.worker),
    ]
    runners: list[Runner] = [
        *consumers,
        LoopRunner(timers, wake=moved[0], metrics=metrics),
        LoopRunner(reminders, wake=moved[1], metrics=metrics),
        LoopRunner(lapses, wake=moved[2], metrics=metrics),
        *(LoopRunner(loop, metrics=metrics) for loop in loops),
    ]

    def nudge() -> None:
        for event in moved:
            event.set()

    async def close() -> None:
        if model is not None:
            await model.aclose()

    async def ready() -> str | None:
        return None if bus.connected else "the bus is not connected"

    return Service(
        name=NAME,
        router=_routes(databases, runs, enroller, outbox),
        runners=runners,
        finishers=[outbox.relay],
        close=close,
        pending=lambda: outbox.relay.pending,
        nudge=nudge,
        ready=ready,
        body_limits={"/v1/sequences": _DOCUMENT_BYTES},
    )


def _client(settings: Settings) -> httpx.AsyncClient | None:
    """The line to the model that writes drafts, if there is one."""
    if settings.model_url is None:
        return None
    key = settings.model_key
    return httpx.AsyncClient(
        base_url=f"{settings.model_url}/",
        headers={} if key is None else {"authorization": f"Bearer {key}"},
        timeout=MODEL_SECONDS,
    )


def _drafter(settings: Settings, client: httpx.AsyncClient | None) -> Drafter:
    if client is None:
        return TemplateDrafter()
    return ModelDrafter(client, model=settings.model_name or "default")


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
        tasks.routes(
            tasks.TaskRoutes(
                databases=databases, outbox=outbox, book=TaskBook(runs, outbox), fence=StopFence()
            )
        ),
        agenda.routes(agenda.AgendaRoutes(databases=databases)),
        approvals.routes(approvals.ApprovalRoutes(databases=databases, reviewing=Reviewing(runs))),
    ):
        router.include_router(part)
    return router
