"""The dispatcher put together: the only file here that names concrete classes."""

from random import Random

from followup_contracts.payload import CHANNELS, LANES
from followup_database import Database
from followup_directory import Vault
from followup_dispatcher.accounts import Accounts
from followup_dispatcher.calls import Caller
from followup_dispatcher.capacity import Capacity
from followup_dispatcher.claims import ClaimDesk
from followup_dispatcher.consumer import CommandConsumer
from followup_dispatcher.drafting import Drafter
from followup_dispatcher.feedback import FeedbackHandler
from followup_dispatcher.forgetting import take_hold
from followup_dispatcher.http import Routes
from followup_dispatcher.metrics import Metrics
from followup_dispatcher.picture import Surveyor
from followup_dispatcher.preview import PreviewRoutes
from followup_dispatcher.providers.registry import Factories, factories
from followup_dispatcher.providers.sandbox import SandboxProvider
from followup_dispatcher.records import Recorder
from followup_dispatcher.rendering.composer import Composer
from followup_dispatcher.rules import RulesRoutes
from followup_dispatcher.sandbox import SandboxRecord
from followup_dispatcher.sending import Sending
from followup_dispatcher.settings import DispatcherSettings
from followup_dispatcher.sweeps import StaleSweep, UnknownSweep
from followup_dispatcher.tables import PERSONAL
from followup_dispatcher.watch import Watch
from followup_messaging.consumer import Consumer
from followup_messaging.maintenance import Months
from followup_messaging.outbox import Outbox
from followup_messaging.port import Bus
from followup_messaging.watch import QueueWatch
from followup_policy.readiness import read_tables
from followup_runtime.databases import Databases
from followup_runtime.keyring import keys_of
from followup_runtime.loops import LoopRunner
from followup_runtime.metrics import Metrics as ProcessMetrics
from followup_runtime.removals import RemovalLoop
from followup_runtime.rights import RightsLoop
from followup_runtime.service import Service
from followup_runtime.settings import Settings
from followup_suppression import AddressHasher, StopFence
from followup_suppression.clicks import ClickSigner
from followup_suppression.replying import ReplyAddresses
from followup_suppression.returning import ReturnTags
from followup_suppression.tokens import LinkSigner


def adapters(database: Database) -> Factories:
    """Every provider adapter by vendor and channel, for a command that checks an account."""
    return factories(SandboxRecord(database))


def build(
    settings: Settings,
    *,
    bus: Bus,
    databases: Databases,
    metrics: ProcessMetrics,
    own: DispatcherSettings | None = None,
) -> Service:
    """The dispatcher as a service."""
    read_tables()
    keys, own = keys_of(settings), own or DispatcherSettings()
    database, public_url = databases.worker, settings.public_url or ""
    outbox = Outbox("dispatcher", bus, database)
    hasher = AddressHasher(keys.suppression_key)
    capacity = Capacity(own.calls)
    vendors = factories(SandboxRecord(database))
    figures = Metrics(metrics.registry, vendors=vendors)
    accounts = Accounts(vendors, Vault(keys.secret_keys))
    composer = Composer(
        signer=LinkSigner(keys.link_key),
        clicks=ClickSigner(keys.link_key),
        hasher=hasher,
        public_url=public_url,
    )
    sink = SandboxRecord(database)
    drafter = Drafter(
        accounts,
        composer,
        public_url,
        ReturnTags(keys.link_key),
        ReplyAddresses(keys.link_key),
        {channel: SandboxProvider(channel, sink) for channel in CHANNELS},
    )
    desk = ClaimDesk(
        database,
        outbox=outbox,
        surveyor=Surveyor(hasher),
        drafter=drafter,
        capacity=capacity,
    )
    recorder = Recorder(
        database,
        outbox=outbox,
        capacity=capacity,
        hasher=hasher,
        metrics=figures,
        random=Random(),  # noqa: S311 - jitter
    )
    caller = Caller(desk=desk, recorder=recorder, accounts=accounts)
    consumers = [
        CommandConsumer(
            bus=bus,
            queue=f"dispatcher.{channel}.{lane}",
            lane=lane,
            database=database,
            desk=desk,
            caller=caller,
            capacity=capacity,
            metrics=figures,
        )
        for channel in CHANNELS
        for lane in LANES
    ]
    feedback = Consumer(
        bus=bus,
        database=database,
        queue="dispatcher.feedback",
        service="dispatcher",
        handle=FeedbackHandler(outbox),
        linger=0.02,
    )
    stale = StaleSweep(database, outbox=outbox, metrics=figures, stale_after=own.stale_after)
    unknown = UnknownSweep(database, outbox=outbox, accounts=accounts)
    watch = Watch(database, metrics, accounts=accounts, vendors=vendors)
    routes = Routes(databases.api, outbox=outbox, providers=accounts, fence=StopFence())
    preview = PreviewRoutes(databases.api, surveyor=Surveyor(hasher), drafter=drafter)
    routes.router.include_router(preview.router)
    routes.router.include_router(RulesRoutes(databases.api, fence=StopFence()).router)
    return Service(
        name="dispatcher",
        router=routes.router,
        runners=[
            Sending(consumers, caller=caller, recorder=recorder),
            feedback,
            LoopRunner(stale, metrics=metrics),
            LoopRunner(unknown, metrics=metrics),
            LoopRunner(outbox.sweeper, metrics=metrics),
            LoopRunner(Months(database, "dispatcher"), metrics=metrics),
            LoopRunner(watch, metrics=metrics),
            LoopRunner(
                RightsLoop("dispatcher", database, PERSONAL, before=take_hold), metrics=metrics
            ),
            LoopRunner(RemovalLoop("dispatcher", database), metrics=metrics),
            LoopRunner(QueueWatch("dispatcher", bus, metrics), metrics=metrics),
        ],
        finishers=[outbox.relay],
        close=accounts.close,
        pending=lambda: capacity.taken + recorder.pending + outbox.relay.pending,
    )
