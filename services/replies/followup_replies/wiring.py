"""Putting replies together: the only file that names concrete classes."""

import httpx
from fastapi import APIRouter

from followup_directory import Vault
from followup_messaging.consumer import Consumer
from followup_messaging.outbox import Outbox
from followup_messaging.port import Bus
from followup_messaging.watch import QueueWatch
from followup_replies import hooks
from followup_replies.classifiers import Classifier, OpenAiClassifier, openai_client
from followup_replies.core.leanings import learnt
from followup_replies.core.rulefiles import rulebook
from followup_replies.desk import FrontDesk
from followup_replies.email.listener import MailListener, Postbox
from followup_replies.figures import Figures
from followup_replies.hooks import Door
from followup_replies.http import conversation, links, messages, suppressions, unsubscribe
from followup_replies.inbound import InboundDesk
from followup_replies.loops import HoldWatch, ParkedSweep
from followup_replies.mailgun.vendor import MAILGUN
from followup_replies.meta.vendor import META
from followup_replies.opinions import SecondOpinions
from followup_replies.parts import PartsDesk, PartsSweep
from followup_replies.postmark.vendor import POSTMARK
from followup_replies.progress import keep_progress
from followup_replies.reports import ReportDesk
from followup_replies.retention import Retention
from followup_replies.sandbox import sandbox
from followup_replies.sendgrid.vendor import SENDGRID
from followup_replies.sent import SentTouches
from followup_replies.ses.certificates import Fetch, fetch
from followup_replies.ses.vendor import ses
from followup_replies.stops import Stops
from followup_replies.tables import PERSONAL
from followup_replies.telnyx.vendor import TELNYX
from followup_replies.twilio.vendor import TWILIO
from followup_replies.vendor import BODY_BYTES, Vendors
from followup_replies.voice import routes as voice
from followup_replies.voice.calls import Calls
from followup_replies.vonage.vendor import VONAGE
from followup_replies.webhook.vendor import WEBHOOK
from followup_replies.writing import Writing
from followup_runtime.databases import Databases
from followup_runtime.keyring import Keys, keys_of
from followup_runtime.loops import Loop, LoopRunner, Runner
from followup_runtime.metrics import Metrics
from followup_runtime.removals import RemovalLoop
from followup_runtime.rights import RightsLoop
from followup_runtime.service import Service, nothing_to_close
from followup_runtime.settings import Settings
from followup_suppression import AddressHasher, StopFence
from followup_suppression.clicks import ClickSigner
from followup_suppression.replying import ReplyAddresses
from followup_suppression.returning import ReturnTags
from followup_suppression.tokens import LinkSigner

NAME = "replies"


def build(
    settings: Settings,
    *,
    bus: Bus,
    databases: Databases,
    metrics: Metrics,
    fence: StopFence | None = None,
    get: Fetch = fetch,
) -> Service:
    """Replies on this bus and these databases; nothing runs yet."""
    # Reading rules and weights takes a while: now, not while the first reply waits.
    rulebook()
    learnt()
    keys, figures = keys_of(settings), Figures(metrics)
    worker, fence = databases.worker, fence or StopFence()
    hasher = AddressHasher(keys.suppression_key)
    outbox = Outbox(NAME, bus, worker)
    stops = Stops(outbox, figures)
    addresses, tags = ReplyAddresses(keys.link_key), ReturnTags(keys.link_key)
    inbound = InboundDesk(
        outbox=outbox, hasher=hasher, stops=stops, figures=figures, addresses=addresses
    )
    reports = ReportDesk(outbox=outbox, hasher=hasher, stops=stops, figures=figures, tags=tags)
    models = _models(settings)
    opinions = None if models is None else SecondOpinions(_classifier(settings, models))
    parts = PartsDesk(inbound)
    desk = FrontDesk(
        worker, inbound=inbound, parts=parts, reports=reports, fence=fence, opinions=opinions
    )
    vendors = vendors_of(keys, get=get)
    door = Door(worker, Vault(keys.secret_keys), vendors, figures, public_url=settings.public_url)
    router = APIRouter()
    for part in (
        hooks.routes(door, desk),
        voice.routes(door, Calls(worker, desk)),
        unsubscribe.routes(
            unsubscribe.Unsubscribing(
                worker, signer=LinkSigner(keys.link_key), stops=stops, fence=fence
            )
        ),
        links.routes(links.Links(worker, outbox=outbox, signer=ClickSigner(keys.link_key))),
        suppressions.routes(
            suppressions.SuppressionRoutes(databases, hasher=hasher, stops=stops, fence=fence)
        ),
        conversation.routes(conversation.ConversationRoutes(databases)),
        messages.routes(
            messages.MessageRoutes(
                databases, writing=Writing(outbox=outbox, hasher=hasher), fence=fence
            )
        ),
    ):
        router.include_router(part)

    async def ready() -> str | None:
        return None if bus.connected else "the bus is not connected"

    return Service(
        name=NAME,
        router=router,
        runners=[
            *_runners(bus, databases, metrics, outbox, reports, figures),
            LoopRunner(PartsSweep(worker, parts), metrics=metrics),
            *_listeners(settings, Postbox(worker, desk, addresses=addresses, tags=tags)),
        ],
        finishers=[outbox.relay],
        pending=lambda: outbox.relay.pending,
        ready=ready,
        close=nothing_to_close if models is None else models.aclose,
        body_limits={
            "/voice/": BODY_BYTES,
            "/u/": unsubscribe.BODY_BYTES,
            **vendors.body_limits,
        },
        raw_bodies=("/hooks/", "/voice/"),
        own_repeats=(messages.PATH,),
    )


def _models(settings: Settings) -> httpx.AsyncClient | None:
    base = settings.classifier_url
    return None if base is None else openai_client(base, key=settings.classifier_key)


def _classifier(settings: Settings, models: httpx.AsyncClient) -> Classifier:
    return OpenAiClassifier(models, model=settings.classifier_model)


def _listeners(settings: Settings, postbox: Postbox) -> list[Runner]:
    listen = settings.mail_listen
    return [] if listen is None else [MailListener(postbox, listen)]


def vendors_of(keys: Keys, *, get: Fetch = fetch) -> Vendors:
    """Every vendor whose webhooks are understood; `get` fetches what they refer to."""
    return Vendors.of(
        TWILIO,
        VONAGE,
        TELNYX,
        SENDGRID,
        POSTMARK,
        MAILGUN,
        ses(get=get),
        META,
        WEBHOOK,
        sandbox(keys.sandbox_keys),
    )


def _runners(
    bus: Bus,
    databases: Databases,
    metrics: Metrics,
    outbox: Outbox,
    reports: ReportDesk,
    figures: Figures,
) -> list[Runner]:
    consumer = Consumer(
        bus=bus,
        database=databases.worker,
        queue="replies.sent",
        service=NAME,
        handle=SentTouches(reports).handle,
        linger=0.1,  # nobody waits for it: one that comes back sooner is parked and matched
    )
    progress = Consumer(
        bus=bus,
        database=databases.worker,
        queue="replies.messages",
        service=NAME,
        handle=keep_progress,
    )
    loops: list[Loop] = [
        ParkedSweep(databases.worker, reports, figures),
        HoldWatch(databases.worker, figures),
        QueueWatch(NAME, bus, metrics),
        RightsLoop(NAME, databases.worker, PERSONAL),
        RemovalLoop(NAME, databases.worker),
        Retention(databases.worker),
        outbox.sweeper,
    ]
    return [consumer, progress, *(LoopRunner(loop, metrics=metrics) for loop in loops)]
