"""For other services: HTTP clients, an AMQP lead publisher, a verifier of webhooks.

Calls are values, made by a module for each kind of thing (`leads`, `tasks`, `sequences` …)
and carried out by `Followup` or `AsyncFollowup`:

    with Followup("http://localhost:8000", key=key) as followup:
        taken = followup.send(leads.post(leads.NewLead(phone="+1 415 555 2671")))
"""

from followup_client import (
    accounts,
    approvals,
    consent,
    endpoints,
    enrollments,
    events,
    keys,
    leads,
    replies,
    routing,
    rules,
    sequences,
    sources,
    tasks,
    tenants,
    touches,
)
from followup_client.addresses import Addresses
from followup_client.amqp import LeadPublisher
from followup_client.asynchronous import AsyncFollowup
from followup_client.batches import LineRefused, LineTaken
from followup_client.blocking import Followup
from followup_client.call import Call, Page
from followup_client.courier import Courier, Round, asking
from followup_client.errors import (
    Conflict,
    CutOff,
    Failed,
    Fault,
    FollowupError,
    Invalid,
    NotAllowed,
    NotConfirmed,
    NotFound,
    NotGenuine,
    Refused,
    TooLarge,
    TooMany,
    Unreachable,
    Unreadable,
)
from followup_client.letters import Letter, Sender
from followup_client.outbox import Outbox
from followup_client.retrying import Patience
from followup_client.sending import Options
from followup_client.webhooks import Webhook, WebhookVerifier

__all__ = [
    "Addresses",
    "AsyncFollowup",
    "Call",
    "Conflict",
    "Courier",
    "CutOff",
    "Failed",
    "Fault",
    "Followup",
    "FollowupError",
    "Invalid",
    "LeadPublisher",
    "Letter",
    "LineRefused",
    "LineTaken",
    "NotAllowed",
    "NotConfirmed",
    "NotFound",
    "NotGenuine",
    "Options",
    "Outbox",
    "Page",
    "Patience",
    "Refused",
    "Round",
    "Sender",
    "TooLarge",
    "TooMany",
    "Unreachable",
    "Unreadable",
    "Webhook",
    "WebhookVerifier",
    "accounts",
    "approvals",
    "asking",
    "consent",
    "endpoints",
    "enrollments",
    "events",
    "keys",
    "leads",
    "replies",
    "routing",
    "rules",
    "sequences",
    "sources",
    "tasks",
    "tenants",
    "touches",
]
