"""Tenants, for the operator of the cell: made, listed, changed, suspended, deleted."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from followup_database import Database
from followup_directory import (
    CELL,
    Deed,
    Principal,
    Removal,
    SlugTaken,
    Tenant,
    TenantSettings,
    create_tenant,
    delete_tenant,
    page_of_tenants,
    record_deed,
    removal_of,
    set_tenant_settings,
    set_tenant_state,
    tenants_by_id,
)
from followup_directory.tenants import TenantState
from followup_intake.routes.keys import KeyIn, make_key, shown
from followup_intake.shapes import (
    KeyMade,
    TenantDeleted,
    TenantPage,
    TenantShape,
)
from followup_runtime.auth import require
from followup_runtime.deeds import did
from followup_runtime.openapi import also, shaped
from followup_runtime.problems import Problem, from_validation
from followup_suppression import StopFence, take_over_listings

Operator = Annotated[Principal, Depends(require(CELL))]


class TenantIn(BaseModel):
    """A tenant to be made. `settings` as in `followup tenant set`.

    `stops_of`: a tenant, a deleted one too, whose suppression list is this one's from its
    start, for who comes back.
    """

    model_config = ConfigDict(extra="forbid")

    slug: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    settings: Annotated[dict[str, Any], Field(max_length=50)] = Field(default_factory=dict)
    stops_of: UUID | None = None


class TenantChanges(BaseModel):
    """What is to be otherwise; what is not named stays."""

    model_config = ConfigDict(extra="forbid")

    settings: Annotated[dict[str, Any], Field(max_length=50)] = Field(default_factory=dict)
    state: Literal["active", "suspended"] | None = None


class TenantRoutes:
    """The routes with what they call; `database` is a worker's, for it spans tenants."""

    def __init__(self, database: Database, fence: StopFence) -> None:
        self._database = database
        self._fence = fence
        self.router = APIRouter(tags=["tenants"])
        add = self.router.add_api_route
        add("/v1/tenants", self.list_tenants, methods=["GET"], responses=shaped(TenantPage))
        add(
            "/v1/tenants",
            self.post_tenant,
            methods=["POST"],
            status_code=201,
            responses={**shaped(TenantShape, 201), **also(409)},
        )
        one = shaped(TenantShape)
        add("/v1/tenants/{tenant_id}", self.get_tenant, methods=["GET"], responses=one)
        add("/v1/tenants/{tenant_id}", self.patch_tenant, methods=["PATCH"], responses=one)
        add(
            "/v1/tenants/{tenant_id}",
            self.delete_tenant,
            methods=["DELETE"],
            status_code=202,
            responses=shaped(TenantDeleted, 202),
        )
        add(
            "/v1/tenants/{tenant_id}/keys",
            self.post_key,
            methods=["POST"],
            status_code=201,
            responses=shaped(KeyMade, 201),
        )

    async def list_tenants(
        self,
        who: Operator,  # noqa: ARG002 - the scope is what it is asked for
        after: UUID | None = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> dict[str, Any]:
        """Tenants in the order they were made, deleted ones too; `next` goes into `after`."""
        async with self._database.transaction() as tx:
            found = await page_of_tenants(tx, after=after, most=limit)
        return {
            "tenants": [_told(tenant) for tenant in found],
            "next": str(found[-1].id) if len(found) == limit else None,
        }

    async def post_tenant(self, body: TenantIn, request: Request, who: Operator) -> dict[str, Any]:  # noqa: ARG002 - see above
        """Make a tenant; it is in the sandbox until its settings say otherwise."""
        settings = {"business_name": body.name, **_checked(body.settings)}
        async with self._database.transaction() as tx:
            if body.stops_of and not await tenants_by_id(tx, [body.stops_of]):
                raise Problem(422, detail="there is no such tenant", pointer="/stops_of")
            try:
                made = await create_tenant(tx, body.slug, body.name, settings)
            except SlugTaken as error:
                raise Problem(409, "Slug taken", str(error), pointer="/slug") from None
            if body.stops_of:
                await take_over_listings(tx, former=body.stops_of, heir=made.id)
        did(request, subjects=[made.id])
        return _told(made)

    async def get_tenant(self, tenant_id: UUID, who: Operator) -> dict[str, Any]:  # noqa: ARG002 - see above
        """One tenant; of a deleted one, how its deletion stands."""
        tenant = await self._tenant(tenant_id)
        if tenant.state != "deleted":
            return _told(tenant)
        async with self._database.transaction() as tx:
            removal = await removal_of(tx, tenant_id)
        return {**_told(tenant), "removal": None if removal is None else _removal(removal)}

    async def patch_tenant(
        self, tenant_id: UUID, body: TenantChanges, request: Request, who: Operator
    ) -> dict[str, Any]:
        """Change settings, suspend or resume.

        A suspended tenant's keys end within a second, and nothing of it goes out.
        """
        changes = _checked(body.settings)
        await self._living(tenant_id)
        deed = Deed("PATCH tenant", [tenant_id], {"settings": sorted(changes), "state": body.state})
        async with self._database.transaction() as tx:
            await set_tenant_settings(tx, tenant_id, changes)
            if body.state is not None:
                await set_tenant_state(tx, tenant_id, body.state)
            if tenant_id != who.tenant_id:
                # It concerns them: they may read in their own record what was done to them.
                await record_deed(tx, tenant_id, deed, key_id=who.key_id)
        did(request, detail=deed.detail)
        return _told(await self._tenant(tenant_id))

    async def delete_tenant(self, tenant_id: UUID, who: Operator) -> dict[str, str]:
        """Delete a tenant for good: its keys end within a second.

        Once it is answered nothing of it goes out any more. Every service deletes its rows
        from then on, and looks again an hour later (`GET /v1/tenants/{id}`). Its
        suppression list stays, as keyed hashes.
        """
        tenant = await self._tenant(tenant_id)
        async with self._database.transaction() as tx:
            await delete_tenant(tx, tenant.id, asked_by=who.key_id)
        await self._fence.settle(self._fence.moment())
        return {"id": str(tenant.id), "state": "deleted"}

    async def post_key(
        self, tenant_id: UUID, body: KeyIn, request: Request, who: Operator
    ) -> dict[str, Any]:
        """Make a key for a tenant, its first perhaps."""
        tenant = await self._living(tenant_id)
        async with self._database.transaction() as tx:
            made = await make_key(tx, tenant.id, body, maker=who)
        did(request, subjects=[made.id], detail={"scopes": body.scopes})
        return shown(made)

    async def _tenant(self, tenant_id: UUID) -> Tenant:
        async with self._database.transaction() as tx:
            found = (await tenants_by_id(tx, [tenant_id])).get(tenant_id)
        if found is None:
            raise Problem(404, detail="there is no such tenant", pointer="{tenant_id}")
        return found

    async def _living(self, tenant_id: UUID) -> Tenant:
        tenant = await self._tenant(tenant_id)
        if tenant.state == "deleted":
            raise Problem(409, detail="this tenant was deleted", pointer="{tenant_id}")
        return tenant


def _checked(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings as they will be stored; 422 for one that does not exist or does not fit."""
    if unknown := sorted(settings.keys() - TenantSettings.model_fields.keys()):
        name = unknown[0].replace("~", "~0").replace("/", "~1")
        raise Problem(422, detail="this is no setting", pointer=f"/settings/{name}")
    try:
        read = TenantSettings.model_validate(settings)
    except ValidationError as error:
        found = from_validation(error.errors(include_input=False, include_url=False))
        errors = [{**each, "pointer": f"/settings{each['pointer']}"} for each in found]
        raise Problem(422, "Invalid settings", errors[0]["detail"], errors=errors) from None
    stored = read.model_dump(mode="json")
    return {name: stored[name] for name in settings}


def _removal(removal: Removal) -> dict[str, Any]:
    return {
        "state": "running" if removal.finished_at is None else "done",
        "waiting": list(removal.waiting),
        "counts": dict(removal.counts),
        "asked_at": removal.asked_at.isoformat(),
        "finished_at": removal.finished_at.isoformat() if removal.finished_at else None,
    }


def _told(tenant: Tenant) -> dict[str, Any]:
    state: TenantState = tenant.state
    return {
        "id": str(tenant.id),
        "slug": tenant.slug,
        "name": tenant.name,
        "state": state,
        "settings": tenant.settings.model_dump(mode="json"),
    }
