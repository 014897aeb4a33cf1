"""What a tenant sets for its leads: which sequence they enter, what their attributes may be."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from followup_database import Database
from followup_directory import (
    AttributeRule,
    Principal,
    RoutingRule,
    Tenant,
    set_tenant_settings,
)
from followup_directory.lead_rules import Word
from followup_intake.capture import Draft
from followup_intake.core.routing import choose
from followup_intake.drafts import drafted, refusal
from followup_intake.models import LeadIn
from followup_intake.routes.tenancy import active_tenant
from followup_intake.shapes import AttributesShape, RoutedShape, RoutingShape
from followup_runtime.auth import require
from followup_runtime.openapi import shaped
from followup_runtime.problems import Problem

RoutingReader = Annotated[Principal, Depends(require("routing:read"))]
RoutingWriter = Annotated[Principal, Depends(require("routing:write"))]
SchemaReader = Annotated[Principal, Depends(require("attributes:read"))]
SchemaWriter = Annotated[Principal, Depends(require("attributes:write"))]


class Routing(BaseModel):
    """Rules in order: the first that fits decides."""

    model_config = ConfigDict(extra="forbid")

    rules: Annotated[tuple[RoutingRule, ...], Field(max_length=100)]


class AttributeSchema(BaseModel):
    """Attributes by name. `strict`: others do not fit."""

    model_config = ConfigDict(extra="forbid")

    attributes: Annotated[dict[Word, AttributeRule], Field(max_length=100)]
    strict: StrictBool = False


class RuleRoutes:
    """The routes with what they call; `router` is what an app includes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.router = APIRouter(tags=["rules"])
        add = self.router.add_api_route
        routing, routed = shaped(RoutingShape), shaped(RoutedShape)
        add("/v1/routing", self.get_routing, methods=["GET"], responses=routing)
        add("/v1/routing", self.put_routing, methods=["PUT"], responses=routing)
        add("/v1/routing/test", self.test_routing, methods=["POST"], responses=routed)
        schema = shaped(AttributesShape)
        add("/v1/attributes", self.get_schema, methods=["GET"], responses=schema)
        add("/v1/attributes", self.put_schema, methods=["PUT"], responses=schema)

    async def get_routing(self, who: RoutingReader) -> dict[str, Any]:
        """The rules by which leads enter sequences."""
        return _routing(await self._tenant(who))

    async def put_routing(self, body: Routing, who: RoutingWriter) -> dict[str, Any]:
        """Set the rules, all of them; they hold for leads that come from now on."""
        rules = body.model_dump(mode="json")["rules"]
        return _routing(await self._set(who.tenant_id, who, {"routing": rules}))

    async def test_routing(self, body: LeadIn, who: RoutingReader) -> dict[str, Any]:
        """Which sequence this lead would get, and why; nothing is kept."""
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            tenant, today = await active_tenant(tx, who), tx.now.date()
        draft = drafted(body, tenant=tenant, today=today)
        if not isinstance(draft, Draft):
            return {"sequence": None, "why": refusal(draft).said, "rules": []}
        if body.sequence is not None:
            return {"sequence": body.sequence, "why": "the lead names it itself", "rules": []}
        audience = draft.audience or tenant.settings.audience
        routed = choose(tenant.settings.routing, draft.lead, audience=audience)
        looked = [{"rule": r.rule, "fits": r.fits, "why": r.why} for r in routed.looked]
        why = (
            f"{routed.looked[-1].rule} fits"
            if routed.sequence
            else f"no rule fits: the scheduler goes by the source, {draft.lead.source}"
        )
        return {"sequence": routed.sequence, "why": why, "rules": looked}

    async def get_schema(self, who: SchemaReader) -> dict[str, Any]:
        """What custom attributes of leads may be."""
        return _schema(await self._tenant(who))

    async def put_schema(self, body: AttributeSchema, who: SchemaWriter) -> dict[str, Any]:
        """Set the schema, all of it. What leads have already stays as it is."""
        wanted = body.model_dump(mode="json")
        changes = {"attributes": wanted["attributes"], "strict_attributes": body.strict}
        return _schema(await self._set(who.tenant_id, who, changes))

    async def _tenant(self, who: Principal) -> Tenant:
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            return await active_tenant(tx, who)

    async def _set(self, tenant_id: UUID, who: Principal, changes: dict[str, Any]) -> Tenant:
        async with self._database.transaction(tenant=tenant_id) as tx:
            await active_tenant(tx, who)
            changed = await set_tenant_settings(tx, tenant_id, changes)
        if changed is None:
            raise Problem(403, detail="the tenant is not active")
        return changed


def _routing(tenant: Tenant) -> dict[str, Any]:
    return {"rules": [rule.model_dump(mode="json") for rule in tenant.settings.routing]}


def _schema(tenant: Tenant) -> dict[str, Any]:
    settings = tenant.settings
    rules = {name: rule.model_dump(mode="json") for name, rule in settings.attributes.items()}
    return {"attributes": rules, "strict": settings.strict_attributes}
