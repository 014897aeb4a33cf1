"""Calls about endpoints: where events are told to a product as signed webhooks."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime

from followup_client.call import JSON, Call, Given, Id, Page, Seen, asked, at, json_body, model

DeliveryState = Literal["waiting", "pending", "delivered", "failed"]


class Endpoint(Seen):
    """An endpoint. No `types`: all of them. `reason` says why it is disabled."""

    id: UUID
    url: str
    types: tuple[str, ...]
    description: str
    state: str
    reason: str | None = None
    failures: int
    failing_since: datetime | None = None
    disabled_at: datetime | None = None
    former_secret_until: datetime | None = None
    created_at: datetime


class EndpointWithSecret(Endpoint):
    """The same with its secret, for `WebhookVerifier`; it is shown once."""

    secret: str


class NewEndpoint(Given):
    """An endpoint to be made; no types: all of them, those to come too."""

    url: str
    types: tuple[str, ...] = ()
    description: str = ""


class EndpointChanges(Given):
    """What is to be otherwise."""

    url: str | None = None
    types: tuple[str, ...] | None = None
    description: str | None = None
    state: Literal["active", "disabled"] | None = None


class Rotation(Given):
    """For how long the former secret signs beside the new one."""

    grace_seconds: int = 86_400


class Since(Given):
    """From when on what failed is delivered again."""

    since: AwareDatetime


class Delivery(Seen):
    """An event for an endpoint. `waiting`: an earlier one of the same lead comes first."""

    id: UUID
    event_id: UUID
    sequence: int | None = None
    type: str
    lead_id: UUID | None = None
    state: str
    under_way: bool
    attempts: int
    created_at: datetime
    next_try_at: datetime | None = None
    finished_at: datetime | None = None


class Attempt(Seen):
    """One call: a status and the beginning of the answer, or why there was none."""

    number: int
    at: datetime
    milliseconds: int
    status: int | None = None
    error: str | None = None
    answer: str | None = None


class DeliveryWithTries(Delivery):
    """The same with its latest attempts, the newest first."""

    tries: tuple[Attempt, ...]


class Replayed(Seen):
    """How many are delivered again."""

    replayed: int


class Trial(Seen):
    """The delivery of an event that tells of nothing."""

    delivery_id: UUID


def make(wanted: NewEndpoint) -> Call[EndpointWithSecret]:
    """Make an endpoint. Not tried again once there may be one: there would be two."""
    path, body = at("endpoints"), json_body(wanted)
    return Call("intake", "POST", path, model(EndpointWithSecret), headers=JSON, body=body)


def find() -> Call[Page[Endpoint]]:
    """Every endpoint, oldest first."""
    return Call("intake", "GET", at("endpoints"), model(Page[Endpoint]))


def get(endpoint_id: Id) -> Call[Endpoint]:
    """One endpoint, with how it is doing."""
    return Call("intake", "GET", at("endpoints", endpoint_id), model(Endpoint))


def change(endpoint_id: Id, changes: EndpointChanges) -> Call[Endpoint]:
    """Change, disable or enable an endpoint."""
    path, body = at("endpoints", endpoint_id), json_body(changes)
    return Call("intake", "PATCH", path, model(Endpoint), headers=JSON, body=body, again=True)


def delete(endpoint_id: Id) -> Call[None]:
    """Delete an endpoint; what was still to be delivered never is."""
    return Call("intake", "DELETE", at("endpoints", endpoint_id), lambda _: None)


def rotate(endpoint_id: Id, wanted: Rotation | None = None) -> Call[EndpointWithSecret]:
    """Sign with a new secret, which is shown once, and for a while with the former, too.

    Not tried again once it may have been: the former would be the one nobody saw.
    """
    path, body = at("endpoints", endpoint_id, "secret"), json_body(wanted or Rotation())
    return Call("intake", "POST", path, model(EndpointWithSecret), headers=JSON, body=body)


def test(endpoint_id: Id) -> Call[Trial]:
    """Have an event delivered that tells of nothing."""
    return Call("intake", "POST", at("endpoints", endpoint_id, "test"), model(Trial), again=True)


def deliveries(
    endpoint_id: Id, *, state: DeliveryState | None = None, limit: int = 50
) -> Call[Page[Delivery]]:
    """What became of events there, the newest first."""
    path = at("endpoints", endpoint_id, "deliveries")
    params = asked(state=state, limit=limit)
    return Call("intake", "GET", path, model(Page[Delivery]), params=params)


def delivery(endpoint_id: Id, delivery_id: Id) -> Call[DeliveryWithTries]:
    """One of them, with its attempts."""
    path = at("endpoints", endpoint_id, "deliveries", delivery_id)
    return Call("intake", "GET", path, model(DeliveryWithTries))


def replay(endpoint_id: Id, delivery_id: Id) -> Call[Replayed]:
    """Deliver one again, now."""
    path = at("endpoints", endpoint_id, "deliveries", delivery_id, "replay")
    return Call("intake", "POST", path, model(Replayed), again=True)


def replay_failed(endpoint_id: Id, since: datetime) -> Call[Replayed]:
    """Deliver again what failed since then, up to 1,000; ask until none is left."""
    path, body = at("endpoints", endpoint_id, "replay"), json_body(Since(since=since))
    return Call("intake", "POST", path, model(Replayed), headers=JSON, body=body, again=True)
