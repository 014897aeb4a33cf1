"""Intake put together: the only file here that names concrete classes."""

from followup_intake.batches import Batches
from followup_intake.capture import Capture
from followup_intake.happenings import Happenings
from followup_intake.housekeeping import RequestSweep
from followup_intake.http import MAX_BATCH, MAX_FILE, Routes
from followup_intake.imports import Importer
from followup_intake.ingress import Ingress
from followup_intake.posts import Posts
from followup_intake.reunion import Reunion
from followup_intake.routes.audit import AuditRoutes
from followup_intake.routes.imports import ImportRoutes
from followup_intake.routes.keys import KeyRoutes
from followup_intake.routes.tenants import TenantRoutes
from followup_intake.settings import IntakeSettings
from followup_messaging.consumer import Consumer
from followup_messaging.outbox import Outbox
from followup_messaging.port import Bus
from followup_messaging.watch import QueueWatch
from followup_policy.readiness import read_tables
from followup_runtime.databases import Databases
from followup_runtime.loops import LoopRunner
from followup_runtime.metrics import Metrics
from followup_runtime.service import Service
from followup_runtime.settings import Settings
from followup_suppression import StopFence


def importer(databases: Databases, outbox: Outbox) -> Importer:
    """The importer alone, for a command that imports a file."""
    return Importer(databases.api, capture=Capture(outbox), fence=StopFence())


def build(
    settings: Settings,  # noqa: ARG001 - every service is built alike
    *,
    bus: Bus,
    databases: Databases,
    metrics: Metrics,
    own: IntakeSettings | None = None,
    fence: StopFence | None = None,
) -> Service:
    """Intake as a service."""
    read_tables()
    own, fence = own or IntakeSettings(), fence or StopFence()
    outbox = Outbox("intake", bus, databases.worker, republish_after=own.republish_after)
    capture, happenings = Capture(outbox), Happenings(outbox)
    posts = Posts(databases.api, capture=capture)
    routes = Routes(
        databases.api,
        posts=posts,
        batches=Batches(databases.api, capture=capture, fence=fence),
        happenings=happenings,
        fence=fence,
    )
    imports = ImportRoutes(databases.api, Importer(databases.api, capture=capture, fence=fence))
    others = (
        imports,
        KeyRoutes(databases.api),
        TenantRoutes(databases.worker),
        AuditRoutes(databases.api),
    )
    for each in others:
        routes.router.include_router(each.router)
    ingress = Consumer(
        bus=bus,
        database=databases.worker,
        queue="intake.ingress",
        service="intake",
        handle=Ingress(capture=capture, happenings=happenings),
    )
    reunion = Reunion(
        databases.worker,
        happenings,
        patience=own.patience,
        waiting=metrics.gauge(
            "followup_intake_events_waiting",
            "Events from the bus whose lead is not known yet, counted up to 10,000.",
        ),
    )
    return Service(
        name="intake",
        router=routes.router,
        runners=[
            ingress,
            LoopRunner(outbox.sweeper, metrics=metrics),
            LoopRunner(RequestSweep(databases.worker), metrics=metrics),
            LoopRunner(reunion, metrics=metrics),
            LoopRunner(QueueWatch("intake", bus, metrics), metrics=metrics),
        ],
        finishers=[outbox.relay],
        pending=lambda: outbox.relay.pending + posts.pending,
        body_limits={"/v1/leads/batch": MAX_BATCH, "/v1/leads/import": MAX_FILE},
    )
