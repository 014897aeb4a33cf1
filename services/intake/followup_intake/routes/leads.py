"""A lead with its person: seen whole, changed, explained, parted from somebody else's."""

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from followup_contracts.events import LeadUpdated
from followup_database import Database, Transaction, committed
from followup_directory import Principal, Tenant
from followup_intake.changes import AddressTaken, Changed, Unusable, add_address, change
from followup_intake.core.attributes import checked
from followup_intake.drafts import unfit
from followup_intake.models import Text
from followup_intake.portraits import lead_portrait, person_portrait
from followup_intake.routes.tenancy import active_tenant
from followup_intake.shapes import (
    HistoryShape,
    LeadPage,
    WholeLeadShape,
)
from followup_messaging.outbox import Outbox
from followup_people import (
    LeadView,
    NeverMerged,
    NothingOfItsOwn,
    Parted,
    changes_of,
    leads_by_external_id,
    leads_by_id,
    merges_of,
    part_lead,
    persons_by_id,
)
from followup_policy.zonenames import ZoneName
from followup_runtime.auth import require
from followup_runtime.deeds import did
from followup_runtime.openapi import also, shaped
from followup_runtime.problems import Problem

Writer = Annotated[Principal, Depends(require("leads:write"))]
Reader = Annotated[Principal, Depends(require("leads:read"))]
# JSON's numbers end here for whoever reads them as IEEE doubles (RFC 8259 section 6).
Whole = Annotated[int, Field(ge=-(2**53), le=2**53)]
Attributes = Annotated[dict[Text, Text | bool | Whole | float | None], Field(max_length=100)]


ExternalId = Annotated[str, Field(min_length=1, max_length=255)]
ExternalIds = Annotated[list[ExternalId], Query(min_length=1, max_length=100)]


class PersonIn(BaseModel):
    """What is to be otherwise about a person. `phone` and `email` are added to what is known."""

    model_config = ConfigDict(extra="forbid")

    first_name: Text | None = None
    last_name: Text | None = None
    language: Annotated[str, Field(max_length=35)] | None = None
    stated_zone: ZoneName | None = None
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")] | None = None
    state: Text | None = None
    postal_code: Annotated[str, Field(max_length=20)] | None = None
    city: Text | None = None
    audience: Literal["b2b", "b2c"] = "b2c"
    birthday: date | None = None
    phone: Text | None = None
    email: Text | None = None


class LeadChanges(BaseModel):
    """What is to be otherwise; what is not named stays, null empties."""

    model_config = ConfigDict(extra="forbid")

    need: Text | None = None
    value: Annotated[float, Field(ge=0, lt=1e15)] | None = None
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] | None = None
    state: Literal["open", "lost"] | None = None
    attributes: Attributes = Field(default_factory=dict)
    person: PersonIn | None = None


class LeadRoutes:
    """The routes with what they call; `router` is what an app includes."""

    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._database = database
        self._outbox = outbox
        self.router = APIRouter(tags=["leads"])
        add = self.router.add_api_route
        add("/v1/leads", self.find_leads, methods=["GET"], responses=shaped(LeadPage))
        whole = shaped(WholeLeadShape)
        add("/v1/leads/{lead_id}", self.get_lead, methods=["GET"], responses=whole)
        add(
            "/v1/leads/{lead_id}",
            self.patch_lead,
            methods=["PATCH"],
            responses={**whole, **also(409)},
        )
        add(
            "/v1/leads/{lead_id}/history",
            self.get_history,
            methods=["GET"],
            responses=shaped(HistoryShape),
        )
        add(
            "/v1/leads/{lead_id}/unmerge",
            self.unmerge,
            methods=["POST"],
            responses={**whole, **also(409)},
        )

    async def find_leads(self, external_id: ExternalIds, who: Reader) -> dict[str, Any]:
        """The leads among these external ids that are committed, without their persons.

        So a publisher learns which of its leads are Followup's now.
        """
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            found = await leads_by_external_id(tx, who.tenant_id, external_id)
        items = [lead_portrait(found[name]) for name in dict.fromkeys(external_id) if name in found]
        return {"items": items, "next": None}

    async def get_lead(self, lead_id: UUID, who: Reader) -> dict[str, Any]:
        """One lead, with its person."""
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            return await _whole(tx, lead_id)

    async def patch_lead(
        self, lead_id: UUID, body: LeadChanges, request: Request, who: Writer
    ) -> dict[str, Any]:
        """Change a lead and its person; what was is kept in their history.

        409 where an address is another person's: a lead posted with both would merge them.
        """

        async def work(tx: Transaction) -> tuple[dict[str, Any], list[str]]:
            tenant = await active_tenant(tx, who)
            lead = _known((await leads_by_id(tx, [lead_id])).get(lead_id))
            changed = await _changed(tx, tenant, lead, body, key_id=who.key_id)
            if changed:
                payload = LeadUpdated(
                    lead_id=lead.id, person_id=lead.person_id, changed=tuple(changed), at=tx.now
                )
                await self._announce(tx, payload, who.tenant_id, lead.id)
            return await _whole(tx, lead_id), changed

        whole, changed = await committed(self._database, work, tenant=who.tenant_id)
        did(request, detail={"changed": changed})
        return whole

    async def get_history(self, lead_id: UUID, who: Reader) -> dict[str, Any]:
        """What was changed by hand, and what was put together in its person, and why."""
        async with self._database.transaction(tenant=who.tenant_id) as tx:
            lead = _known((await leads_by_id(tx, [lead_id])).get(lead_id))
            return {
                "changes": await changes_of(tx, who.tenant_id, lead.person_id, most=500),
                "merges": await merges_of(tx, who.tenant_id, lead.person_id),
            }

    async def unmerge(self, lead_id: UUID, request: Request, who: Writer) -> dict[str, Any]:
        """Part a lead from the person it was merged into.

        409 where it was never merged, or gave nothing the other is not reached at, too.
        The next lead that gives contact points of both merges them again.
        """

        async def work(tx: Transaction) -> tuple[dict[str, Any], Parted]:
            lead = _known((await leads_by_id(tx, [lead_id])).get(lead_id))
            match await part_lead(tx, who.tenant_id, lead.id, lead.person_id):
                case NeverMerged():
                    raise Problem(409, "Never merged", "this lead was its person's first")
                case NothingOfItsOwn():
                    detail = "all it gave is what the other person is reached at, too"
                    raise Problem(409, "Nothing of its own", detail)
                case Parted() as parted:
                    for each in parted.leads:
                        payload = LeadUpdated(
                            lead_id=each,
                            person_id=parted.person_id,
                            changed=("unmerged",),
                            at=tx.now,
                        )
                        await self._announce(tx, payload, who.tenant_id, each)
                    return await _whole(tx, lead_id), parted

        whole, parted = await committed(self._database, work, tenant=who.tenant_id)
        did(request, subjects=[parted.person_id, *parted.leads])
        return whole

    async def _announce(
        self, tx: Transaction, payload: LeadUpdated, tenant_id: UUID, lead_id: UUID
    ) -> None:
        message = self._outbox.message(payload, tenant_id=tenant_id, subject=lead_id, time=tx.now)
        await self._outbox.add(tx, [message])


async def _changed(
    tx: Transaction, tenant: Tenant, lead: LeadView, body: LeadChanges, *, key_id: UUID
) -> list[str]:
    """Carry a change out; the names of what has become another."""
    wanted = body.model_dump(exclude_unset=True, exclude={"person", "attributes"})
    if wanted.get("state", "") is None:
        raise Problem(422, detail="a lead always has a state", pointer="/state")
    if body.attributes:
        wanted["attributes"] = _attributes(tenant, body.attributes)
    person = body.person.model_dump(exclude_unset=True) if body.person else {}
    phone, email = person.pop("phone", None), person.pop("email", None)
    done = await change(tx, lead, wanted, person, key_id=key_id)
    names = list(done.names)
    for kind, given in (("phone", phone), ("email", email)):
        if given is None:
            continue
        country = tenant.settings.default_country
        match await add_address(tx, lead, {kind: given}, country=country, key_id=key_id):
            case Unusable():
                detail = "nobody can be reached at this"
                raise Problem(422, detail=detail, pointer=f"/person/{kind}")
            case AddressTaken():
                detail = "this is another person's; post a lead with both to merge them"
                raise Problem(409, "Address taken", detail, pointer=f"/person/{kind}")
            case Changed(names=more):
                names += more
    return names


def _attributes(tenant: Tenant, given: dict[str, Any]) -> dict[str, Any]:
    settings = tenant.settings
    found = checked(settings.attributes, given, strict=settings.strict_attributes, whole=False)
    if isinstance(found, list):
        raise unfit(found)
    return found


async def _whole(tx: Transaction, lead_id: UUID) -> dict[str, Any]:
    lead = _known((await leads_by_id(tx, [lead_id])).get(lead_id))
    person = (await persons_by_id(tx, [lead.person_id])).get(lead.person_id)
    return {
        **lead_portrait(lead),
        "person": None if person is None else person_portrait(person),
    }


def _known(lead: LeadView | None) -> LeadView:
    if lead is None:
        raise Problem(404, detail="there is no such lead", pointer="{lead_id}")
    return lead
