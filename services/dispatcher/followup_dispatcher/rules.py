"""Routes for what binds a tenant's contacts: its own rules, exemptions, emergency stops."""

from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from followup_contracts.payload import Channel, Moment
from followup_database import Database, Transaction
from followup_directory import (
    EVERYBODY,
    Principal,
    declare_emergency,
    emergency_stops,
    exemptions,
    grant_exemption,
    lift_emergency,
    revoke_exemption,
    ruled_tenants,
    set_tenant_settings,
)
from followup_dispatcher.shapes import RulesShape
from followup_policy.house import Exemption, HouseDocument, Subject
from followup_policy.statutes import exemptable
from followup_runtime.auth import require
from followup_runtime.openapi import shaped
from followup_runtime.problems import Problem
from followup_suppression import StopFence

LONGEST = timedelta(days=366)
"""An exemption is looked at again within a year."""

Reader = Annotated[Principal, Depends(require("rules:read"))]
Writer = Annotated[Principal, Depends(require("rules:write"))]
Jurisdiction = Annotated[str, Field(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")]
Reason = Annotated[str, Field(min_length=3, max_length=500)]
Who = Annotated[str, Field(min_length=1, max_length=100)]


class ExemptionIn(BaseModel):
    """A law that does not bind some channels of a tenant: why, on whose word, until when."""

    model_config = ConfigDict(extra="forbid")

    jurisdiction: Jurisdiction
    what: Subject
    channels: Annotated[frozenset[Channel], Field(min_length=1)]
    reason: Reason
    who: Who
    ends_at: Moment


class StopIn(BaseModel):
    """A jurisdiction in which nobody is to be contacted for now."""

    model_config = ConfigDict(extra="forbid")

    jurisdiction: Jurisdiction
    reason: Reason
    who: Who


class RulesRoutes:
    """What may be seen and changed; every answer holds the whole as it now is."""

    def __init__(self, database: Database, *, fence: StopFence) -> None:
        self._database = database
        self._fence = fence
        self.router = APIRouter(tags=["dispatcher"])
        add = partial(self.router.add_api_route, responses=shaped(RulesShape))
        made = partial(
            self.router.add_api_route, status_code=201, responses=shaped(RulesShape, 201)
        )
        add("/v1/rules", self.rules, methods=["GET"])
        add("/v1/rules", self.put_rules, methods=["PUT"])
        made("/v1/rules/exemptions", self.exempt, methods=["POST"])
        add("/v1/rules/exemptions/{exemption_id}", self.revoke, methods=["DELETE"])
        made("/v1/rules/emergency-stops", self.stop, methods=["POST"])
        add("/v1/rules/emergency-stops/{jurisdiction}", self.lift, methods=["DELETE"])

    async def rules(self, who: Reader) -> dict[str, Any]:
        """The tenant's own rules, its exemptions and the emergency stops, past ones included."""
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            return await _shown(tx, who.tenant_id)

    async def put_rules(self, body: HouseDocument, who: Writer) -> dict[str, Any]:
        """Replace the tenant's own hours and caps. They narrow the law and never widen it."""
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            kept = body.model_dump(mode="json", exclude_unset=True)
            await set_tenant_settings(tx, who.tenant_id, {"rules": kept})
            shown = await _shown(tx, who.tenant_id)
        await self._fence.settle(self._fence.moment())
        return shown

    async def exempt(self, body: ExemptionIn, who: Writer) -> dict[str, Any]:
        """Record that a law does not bind some channels. Only one that knows a case of it."""
        if not exemptable(body.jurisdiction):
            detail = f"no rule of {body.jurisdiction} names a case in which it does not bind"
            raise Problem(422, "no_exemption", detail, pointer="/jurisdiction")
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            _check_end(body.ends_at, tx.now)
            await grant_exemption(
                tx,
                who.tenant_id,
                Exemption(body.jurisdiction, body.what, body.channels),
                reason=body.reason,
                who=_signed(body.who, who),
                ends_at=body.ends_at,
            )
            return await _shown(tx, who.tenant_id)

    async def revoke(self, exemption_id: UUID, who: Writer) -> dict[str, Any]:
        """End an exemption; once that is answered no send stands on it."""
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            if not await revoke_exemption(tx, who.tenant_id, exemption_id, who=_signed("", who)):
                detail = "there is no such exemption in force"
                raise Problem(404, detail=detail, pointer="{exemption_id}")
            shown = await _shown(tx, who.tenant_id)
        await self._fence.settle(self._fence.moment())
        return shown

    async def stop(self, body: StopIn, who: Writer) -> dict[str, Any]:
        """Stop all contact in a jurisdiction; once that is answered none begins there."""
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            await declare_emergency(
                tx,
                who.tenant_id,
                body.jurisdiction,
                reason=body.reason,
                who=_signed(body.who, who),
            )
            shown = await _shown(tx, who.tenant_id)
        await self._fence.settle(self._fence.moment())
        return shown

    async def lift(self, jurisdiction: str, who: Writer) -> dict[str, Any]:
        """End the tenant's own stop in a jurisdiction; the operator's stays."""
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            name = _signed("", who)
            if not await lift_emergency(tx, who.tenant_id, jurisdiction, who=name):
                detail = "the tenant has no emergency stop there"
                raise Problem(404, detail=detail, pointer="{jurisdiction}")
            return await _shown(tx, who.tenant_id)


def _signed(name: str, who: Principal) -> str:
    """Who did it: the name given and the key that it came by, which cannot be made up."""
    return f"{name} (key {who.key_id})".strip()


def _check_end(ends_at: datetime, now: datetime) -> None:
    if not now < ends_at <= now + LONGEST:
        detail = f"an exemption ends within {LONGEST.days} days from now"
        raise Problem(422, detail=detail, pointer="/ends_at")


async def _shown(tx: Transaction, tenant_id: UUID) -> dict[str, Any]:
    tenant, _ = (await ruled_tenants(tx, [tenant_id]))[tenant_id]
    stops = await emergency_stops(tx, tenant_id)
    return {
        "rules": tenant.settings.rules.model_dump(mode="json", exclude_unset=True),
        "exemptions": [asdict(each) for each in await exemptions(tx, tenant_id)],
        "emergency_stops": [
            {**asdict(each), "everybody": each.tenant_id == EVERYBODY} for each in stops
        ],
    }
