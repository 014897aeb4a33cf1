"""Intake put together: the only file here that names concrete classes."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import httpx

from followup_directory import Vault
from followup_directory.tables import PERSONAL as DIRECTORY
from followup_intake.batches import Batches
from followup_intake.capture import Capture
from followup_intake.confirmations import Links
from followup_intake.fetches import Fetches, GraphApi
from followup_intake.happenings import Happenings
from followup_intake.housekeeping import RequestSweep
from followup_intake.http import IMPORTED_WITHIN, MAX_BATCH, MAX_FILE, OWN_REPEATS, Routes
from followup_intake.imports import Importer
from followup_intake.ingress import Ingress
from followup_intake.outgoing.courier import Courier
from followup_intake.outgoing.distribution import Distribution
from followup_intake.outgoing.line import Line
from followup_intake.outgoing.stream import Streams
from followup_intake.outgoing.upkeep import OutgoingSweep, OutgoingWatch
from followup_intake.posts import Posts
from followup_intake.retention import Retention
from followup_intake.reunion import Reunion
from followup_intake.rights import Rights, forget_letters
from followup_intake.routes.audit import AuditRoutes
from followup_intake.routes.consent import ConsentRoutes
from followup_intake.routes.deliveries import DeliveryRoutes
from followup_intake.routes.doors import Doors
from followup_intake.routes.endpoints import EndpointRoutes
from followup_intake.routes.events import EventRoutes
from followup_intake.routes.imports import ImportRoutes
from followup_intake.routes.keys import KeyRoutes
from followup_intake.routes.leads import LeadRoutes
from followup_intake.routes.rights import RightsRoutes
from followup_intake.routes.rules import RuleRoutes
from followup_intake.routes.sources import SourceRoutes
from followup_intake.routes.tenants import TenantRoutes
from followup_intake.settings import IntakeSettings
from followup_intake.submitted import Submission
from followup_intake.tables import PERSONAL
from followup_messaging.consumer import Consumer
from followup_messaging.outbox import Outbox
from followup_messaging.port import Bus
from followup_messaging.watch import QueueWatch
from followup_people.tables import PERSONAL as PEOPLE
from followup_policy.readiness import read_tables
from followup_runtime.databases import Databases
from followup_runtime.keyring import keys_of
from followup_runtime.loops import LoopRunner, Runner
from followup_runtime.metrics import Metrics
from followup_runtime.removals import RemovalLoop
from followup_runtime.rights import RightsLoop
from followup_runtime.service import Service
from followup_runtime.settings import Settings
from followup_suppression import AddressHasher, StopFence
from followup_suppression.tokens import LinkSigner

CALL_SECONDS = 10.0
"""What a call to a vendor may take."""


def importer(databases: Databases, outbox: Outbox) -> Importer:
    """The importer alone, for a command that imports a file."""
    return Importer(databases.api, capture=Capture(outbox), fence=StopFence())


@dataclass(frozen=True, slots=True)
class _Outgoing:
    """The part of intake that tells the product."""

    routes: Sequence[EndpointRoutes | DeliveryRoutes | EventRoutes]
    runners: Sequence[Runner]
    close: Callable[[], Awaitable[None]]


def _outgoing(
    settings: Settings, databases: Databases, metrics: Metrics, *, vault: Vault, seconds: float
) -> _Outgoing:
    loopback = settings.webhook_loopback
    line = Line(loopback=loopback, seconds=seconds)
    courier = Courier(databases.worker, line, vault=vault, metrics=metrics)
    streams = Streams(databases.api)
    loops = (
        Distribution(databases.worker, courier.wake),
        OutgoingSweep(databases.worker),
        OutgoingWatch(databases.worker, metrics),
    )
    return _Outgoing(
        routes=(
            EndpointRoutes(databases.api, vault=vault, loopback=loopback),
            DeliveryRoutes(databases.api),
            EventRoutes(databases.api, streams),
        ),
        runners=(courier, streams, *(LoopRunner(each, metrics=metrics) for each in loops)),
        close=line.close,
    )


def build(
    settings: Settings,
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
    keys = keys_of(settings)
    hasher = AddressHasher(keys.suppression_key)
    rights, links = Rights(hasher), Links(LinkSigner(keys.link_key), hasher)
    vault = Vault(keys.secret_keys)
    submission = Submission(databases.api, capture, fence)
    outgoing = _outgoing(settings, databases, metrics, vault=vault, seconds=own.webhook_seconds)
    graph = GraphApi(own.graph_url, lambda: httpx.AsyncClient(timeout=CALL_SECONDS))
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
        TenantRoutes(databases.worker, fence),
        AuditRoutes(databases.api),
        LeadRoutes(databases.api, outbox),
        RuleRoutes(databases.api),
        RightsRoutes(databases.api, rights, fence),
        Doors(databases.worker, vault=vault, submission=submission),
        SourceRoutes(databases.api, vault=vault, public_url=settings.public_url),
        ConsentRoutes(databases, fence=fence, links=links, public_url=settings.public_url),
    )
    for each in (*others, *outgoing.routes):
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

    async def close() -> None:
        await graph.close()
        await outgoing.close()

    return Service(
        name="intake",
        router=routes.router,
        runners=[
            ingress,
            LoopRunner(outbox.sweeper, metrics=metrics),
            LoopRunner(RequestSweep(databases.worker), metrics=metrics),
            LoopRunner(reunion, metrics=metrics),
            LoopRunner(
                RightsLoop(
                    "intake",
                    databases.worker,
                    (*PERSONAL, *PEOPLE, *DIRECTORY),
                    before=forget_letters,
                    beside=rights.listed,
                ),
                metrics=metrics,
            ),
            LoopRunner(
                Fetches(databases.worker, graph, vault=vault, submission=submission),
                metrics=metrics,
            ),
            LoopRunner(Retention(databases.worker, rights), metrics=metrics),
            LoopRunner(RemovalLoop("intake", databases.worker), metrics=metrics),
            *outgoing.runners,
            LoopRunner(QueueWatch("intake", bus, metrics), metrics=metrics),
        ],
        finishers=[outbox.relay],
        close=close,
        pending=lambda: outbox.relay.pending + posts.pending,
        body_limits={"/v1/leads/batch": MAX_BATCH, "/v1/leads/import": MAX_FILE},
        own_repeats=OWN_REPEATS,
        time_limits={"/v1/leads/import": IMPORTED_WITHIN},
    )
