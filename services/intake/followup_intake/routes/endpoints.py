"""A tenant's endpoints: made, listed, changed, tried out, given a new secret, deleted."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from followup_database import Database
from followup_directory import Principal, SealBroken, Vault
from followup_intake.core.destinations import LONGEST_URL, unusable
from followup_intake.core.signing import SECRET_OCTETS, secret_of
from followup_intake.core.tellings import TOLD
from followup_intake.outgoing.deliveries import add_trial
from followup_intake.outgoing.endpoints import (
    MOST,
    Endpoint,
    TooMany,
    change_endpoint,
    delete_endpoint,
    endpoint_by_id,
    endpoints_of,
    make_endpoint,
    rotate_secret,
    turn_endpoint,
)
from followup_intake.routes.tenancy import active_tenant
from followup_runtime.auth import require
from followup_runtime.deeds import did
from followup_runtime.openapi import also
from followup_runtime.problems import Problem

RECORDS = "leads:read"

Reader = Annotated[Principal, Depends(require("endpoints:read"))]
Writer = Annotated[Principal, Depends(require("endpoints:write"))]
Url = Annotated[str, Field(min_length=1, max_length=LONGEST_URL)]
Types = Annotated[
    list[Annotated[str, Field(max_length=100)]],
    Field(max_length=100, description="Types of events; none: all, those to come too"),
]
Description = Annotated[str, Field(max_length=500)]


class EndpointIn(BaseModel):
    """An endpoint to be made."""

    model_config = ConfigDict(extra="forbid")

    url: Url
    types: Types = Field(default_factory=list)
    description: Description = ""


class EndpointChanges(BaseModel):
    """What is to be otherwise. Enabled, it is as if it had never failed."""

    model_config = ConfigDict(extra="forbid")

    url: Url | None = None
    types: Types | None = None
    description: Description | None = None
    state: Literal["active", "disabled"] | None = None


class SecretRotation(BaseModel):
    """How long the former secret goes on signing beside the new one; a day unless said."""

    model_config = ConfigDict(extra="forbid")

    grace_seconds: Annotated[int, Field(ge=0, le=30 * 86_400)] = 86_400


class EndpointOut(BaseModel):
    """An endpoint.

    `reason` says why it is disabled, `failures` how many attempts in a row came to nothing.
    """

    id: UUID
    url: str
    types: Sequence[str]
    description: str
    state: Literal["active", "disabled"]
    reason: str | None
    failures: int
    failing_since: datetime | None
    disabled_at: datetime | None
    former_secret_until: datetime | None
    created_at: datetime


class EndpointWithSecret(EndpointOut):
    """The same with its secret, which is shown once."""

    secret: str


class Endpoints(BaseModel):
    """Every endpoint of a tenant, oldest first: there is one page."""

    items: list[EndpointOut]
    next: None = None


class Trial(BaseModel):
    """The delivery of an event that tells of nothing."""

    delivery_id: UUID


class EndpointRoutes:
    """The routes with what they call. `loopback` allows endpoints on this machine."""

    def __init__(self, database: Database, *, vault: Vault, loopback: bool) -> None:
        self._database = database
        self._vault = vault
        self._loopback = loopback
        self.router = APIRouter(tags=["endpoints"])
        add = self.router.add_api_route
        one = "/v1/endpoints/{endpoint_id}"
        add("/v1/endpoints", self.list_endpoints, methods=["GET"])
        add(
            "/v1/endpoints",
            self.post_endpoint,
            methods=["POST"],
            status_code=201,
            responses=also(409),
        )
        add(one, self.get_endpoint, methods=["GET"])
        add(one, self.patch_endpoint, methods=["PATCH"])
        add(one, self.delete_endpoint, methods=["DELETE"], status_code=204)
        add(f"{one}/secret", self.rotate, methods=["POST"], responses=also(409))
        add(f"{one}/test", self.test, methods=["POST"], status_code=202, responses=also(409))

    async def list_endpoints(self, who: Reader) -> Endpoints:
        """Every endpoint, oldest first; never its secret."""
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            found = await endpoints_of(tx, who.tenant_id)
        return Endpoints(items=[_told(each) for each in found])

    async def post_endpoint(
        self, body: EndpointIn, request: Request, who: Writer
    ) -> EndpointWithSecret:
        """Make an endpoint; its secret is shown now and never again."""
        self._checked(who, body.url, body.types)
        secret = _new_secret()
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            await active_tenant(tx, who)
            made = await make_endpoint(
                tx,
                who.tenant_id,
                url=body.url,
                types=_once(body.types),
                description=body.description,
                secret=secret,
                vault=self._vault,
            )
        if isinstance(made, TooMany):
            raise Problem(409, "Too many endpoints", f"a tenant has at most {MOST} endpoints")
        did(request, subjects=[made.id])
        return _shown(made, secret)

    async def get_endpoint(self, endpoint_id: UUID, who: Reader) -> EndpointOut:
        """One endpoint, with how it is doing."""
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            return _told(_known(await endpoint_by_id(tx, who.tenant_id, endpoint_id)))

    async def patch_endpoint(
        self, endpoint_id: UUID, body: EndpointChanges, request: Request, who: Writer
    ) -> EndpointOut:
        """Change, disable or enable an endpoint.

        What was still to be delivered goes on, to the new URL; what happened while it was
        disabled was not kept for it.
        """
        self._checked(who, body.url, body.types or [])
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            await active_tenant(tx, who)
            found = _known(
                await change_endpoint(
                    tx,
                    who.tenant_id,
                    endpoint_id,
                    url=body.url,
                    types=None if body.types is None else _once(body.types),
                    description=body.description,
                )
            )
            if body.state is not None and body.state != found.state:
                found = _known(await turn_endpoint(tx, who.tenant_id, endpoint_id, body.state))
        did(request, detail={"changed": sorted(body.model_fields_set)})
        return _told(found)

    async def delete_endpoint(self, endpoint_id: UUID, who: Writer) -> None:
        """Delete an endpoint; what was still to be delivered never is."""
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            if not await delete_endpoint(tx, who.tenant_id, endpoint_id):
                raise unknown_endpoint()

    async def rotate(
        self, endpoint_id: UUID, who: Writer, body: SecretRotation | None = None
    ) -> EndpointWithSecret:
        """Sign with a new secret, shown now and never again; the former signs for a while.

        409 where the former was sealed under a key that this installation has not any more:
        with `grace_seconds` 0 the new one signs alone.
        """
        grace = timedelta(seconds=(body or SecretRotation()).grace_seconds)
        secret = _new_secret()
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            known = _known(await endpoint_by_id(tx, who.tenant_id, endpoint_id, locked=True))
            try:
                changed = await rotate_secret(tx, known, secret, vault=self._vault, grace=grace)
            except SealBroken:
                raise _sealed() from None
        return _shown(_known(changed), secret)

    async def test(self, endpoint_id: UUID, who: Writer) -> Trial:
        """Have an event delivered that tells of nothing; follow it among the deliveries."""
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            found = _known(await endpoint_by_id(tx, who.tenant_id, endpoint_id))
            if found.state != "active":
                raise Problem(409, "Disabled", "enable the endpoint before you try it out")
            return Trial(delivery_id=await add_trial(tx, found))

    def _checked(self, who: Principal, url: str | None, types: Sequence[str]) -> None:
        """Whoever has leads told somewhere must be allowed to read them."""
        if not who.may(RECORDS):
            raise Problem(403, detail=f"events carry leads: this API key lacks {RECORDS!r}, too")
        if url is not None and (wrong := unusable(url, loopback=self._loopback)) is not None:
            raise Problem(422, detail=wrong.why, pointer="/url")
        for place, name in enumerate(types):
            if name not in TOLD:
                detail = "there is no event of this type to be told of"
                raise Problem(422, detail=detail, pointer=f"/types/{place}")


def _new_secret() -> str:
    return secret_of(secrets.token_bytes(SECRET_OCTETS))


def _sealed() -> Problem:
    return Problem(
        409,
        "Former secret lost",
        "none of FOLLOWUP_SECRET_KEYS opens the former secret, so it cannot go on signing: "
        "put the former key back behind the new one, or rotate with grace_seconds 0",
        pointer="/grace_seconds",
    )


def _once(types: Sequence[str]) -> list[str]:
    return sorted(set(types))


def _fields(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "types": list(endpoint.types),
        "description": endpoint.description,
        "state": endpoint.state,
        "reason": endpoint.reason,
        "failures": endpoint.failures,
        "failing_since": endpoint.failing_since,
        "disabled_at": endpoint.disabled_on,
        "former_secret_until": endpoint.former_until,
        "created_at": endpoint.created_at,
    }


def _told(endpoint: Endpoint) -> EndpointOut:
    return EndpointOut(**_fields(endpoint))


def _shown(endpoint: Endpoint, secret: str) -> EndpointWithSecret:
    return EndpointWithSecret(**_fields(endpoint), secret=secret)


def _known(endpoint: Endpoint | None) -> Endpoint:
    if endpoint is None:
        raise unknown_endpoint()
    return endpoint


def unknown_endpoint() -> Problem:
    """The answer about an endpoint that is not there."""
    return Problem(404, detail="there is no such endpoint", pointer="{endpoint_id}")
