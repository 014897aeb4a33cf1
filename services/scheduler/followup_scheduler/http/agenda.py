"""`/v1/agenda`: who needs follow-up, today, this week, and what is overdue."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field, StringConstraints

from followup_contracts.payload import Moment
from followup_database import Transaction
from followup_directory import Principal
from followup_directory.tenants import tenants_by_id
from followup_runtime.auth import require
from followup_runtime.databases import Databases
from followup_runtime.problems import Problem
from followup_scheduler import agenda as composing
from followup_scheduler import pages
from followup_scheduler.agenda import Line
from followup_scheduler.core.agenda import Due, Horizons, Span, horizons, known_zone
from followup_scheduler.http.bodies import Assignee, TaskBody
from followup_scheduler.http.cursors import read_cursor
from followup_scheduler.store import agenda
from followup_scheduler.store.agenda import Kind

Reader = Annotated[Principal, Depends(require("tasks:read"))]
Show = Literal["all", "tasks", "touches"]

_MOST = 200
_COUNTED = 1_000
_KINDS: Mapping[Show, frozenset[Kind]] = {
    "all": frozenset({"task", "touch"}),
    "tasks": frozenset({"task"}),
    "touches": frozenset({"touch"}),
}


class ContactBody(BaseModel):
    """A contact that was, or that is planned; `content` names its text in the sequence."""

    at: datetime | None
    channel: str
    sequence: str
    step: str
    content: str


class ResponseBody(BaseModel):
    """What a person answered last."""

    at: datetime
    channel: str
    intent: str


class DealBody(BaseModel):
    """Where the sale stands, and what it is worth."""

    stage: str | None
    value: Decimal | None
    currency: str | None


class BestBody(BaseModel):
    """The channel somebody answers best, and the figures."""

    channel: str
    why: str


class LeadBody(BaseModel):
    """What is tracked about a lead, as far as one needs it before writing or calling.

    `response` null: there was none so far; then no channel is the best either.
    """

    id: UUID
    person_id: UUID
    name: str | None
    phone: str | None
    email: str | None
    source: str
    state: str
    deal: DealBody
    last_contact: ContactBody | None
    response: ResponseBody | None
    next_touch: ContactBody | None
    best_channel: BestBody | None


class PlannedBody(BaseModel):
    """A touch that is planned."""

    id: UUID
    enrollment_id: UUID
    sequence: str
    version: int
    step: str
    channel: str
    content: str


class AgendaItem(BaseModel):
    """A task for a person, or a touch that will go by itself."""

    type: Kind
    due: Due
    due_at: datetime
    overdue: bool
    task: TaskBody | None
    touch: PlannedBody | None
    lead: LeadBody


class Counts(BaseModel):
    """Open tasks that are overdue, due in the rest of today, and in the rest of the week.

    Each counted up to 1,000.
    """

    overdue: int
    today: int
    week: int


class AgendaBody(BaseModel):
    """A page of the agenda by due time, on the clock of `zone`; the week has seven days."""

    now: datetime
    zone: str
    until: datetime
    counts: Counts
    items: list[AgendaItem]
    next: str | None


class AgendaQuery(BaseModel):
    """What is asked of the agenda.

    `due` ends the page at now (overdue), at the end of today or of the week (each with
    what is due before); `until` ends it at a moment instead. An assignee's are tasks alone.
    """

    due: Span = "week"
    until: Moment | None = None
    zone: Annotated[str, StringConstraints(max_length=100)] | None = None
    show: Show = "all"
    assignee: Assignee | None = None
    cursor: Annotated[str, StringConstraints(max_length=400)] | None = None
    limit: Annotated[int, Field(ge=1, le=_MOST)] = 50


class AgendaRoutes:
    """What the route needs, and what it does."""

    def __init__(self, *, databases: Databases) -> None:
        self._databases = databases

    async def agenda(self, principal: Principal, wanted: AgendaQuery) -> AgendaBody:
        """A page of what is due; who asks for one assignee's sees tasks alone."""
        after = read_cursor(wanted.cursor)
        tenant_id = principal.tenant_id
        async with self._databases.api.transaction(tenant=tenant_id) as tx:
            zone = await _zone(tx, tenant_id, wanted.zone)
            ends = horizons(zone, tx.now)
            until = wanted.until or ends.until(wanted.due)
            entries = await agenda.page(
                tx,
                tenant_id,
                kinds=_KINDS["tasks" if wanted.assignee is not None else wanted.show],
                assignee=wanted.assignee,
                after=after,
                until=until,
                most=wanted.limit + 1,
            )
            shown, more = entries[: wanted.limit], len(entries) > wanted.limit
            lines = await composing.lines(tx, tenant_id, shown, ends)
            counts = await _counts(tx, tenant_id, ends)
        return AgendaBody(
            now=ends.now,
            zone=zone,
            until=until,
            counts=counts,
            items=[_item(line) for line in lines],
            next=pages.write(shown[-1].due_at, shown[-1].id) if more else None,
        )


def routes(service: AgendaRoutes) -> APIRouter:
    """The resource's route."""
    router = APIRouter(tags=["tasks"])

    @router.get("/v1/agenda")
    async def agenda(principal: Reader, wanted: Annotated[AgendaQuery, Query()]) -> AgendaBody:
        """Who needs follow-up, what is overdue first, with what is known of each lead."""
        return await service.agenda(principal, wanted)

    return router


async def _zone(tx: Transaction, tenant_id: UUID, asked: str | None) -> str:
    """The zone asked for, else the tenant's, else UTC."""
    if asked is not None:
        zone = known_zone(asked)
        if zone is None:
            raise Problem(422, detail=f"{asked!r} is no IANA time zone", pointer="?zone")
        return zone
    tenant = (await tenants_by_id(tx, [tenant_id])).get(tenant_id)
    return (tenant and known_zone(tenant.settings.zone)) or "UTC"


async def _counts(tx: Transaction, tenant_id: UUID, ends: Horizons) -> Counts:
    spans = {
        "overdue": (pages.FIRST[0], ends.now),
        "today": (ends.now, ends.today),
        "week": (ends.today, ends.week),
    }
    counted = {
        name: await agenda.count_tasks(tx, tenant_id, since=since, until=until, most=_COUNTED)
        for name, (since, until) in spans.items()
    }
    return Counts(**counted)


def _item(line: Line) -> AgendaItem:
    is_task = line.entry.type == "task"
    return AgendaItem(
        type=line.entry.type,
        due=line.due,
        due_at=line.entry.due_at,
        overdue=line.due == "overdue",
        task=TaskBody.model_validate(line.what) if is_task else None,
        touch=None if is_task else PlannedBody.model_validate(line.what),
        lead=_lead(line),
    )


def _lead(line: Line) -> LeadBody:
    person, lead = line.person, line.lead
    names = (name for name in (person.first_name, person.last_name) if name)
    return LeadBody(
        id=lead.id,
        person_id=person.id,
        name=" ".join(names) or None,
        phone=person.phones[0].address if person.phones else None,
        email=person.emails[0].address if person.emails else None,
        source=lead.source,
        state=lead.state,
        deal=_deal(lead.attributes.get("deal"), lead.value, lead.currency),
        last_contact=_contact(line.last_contact),
        response=None if line.response is None else ResponseBody.model_validate(line.response),
        next_touch=_contact(line.next_touch),
        best_channel=None
        if line.best is None
        else BestBody(channel=line.best.channel, why=line.best.why),
    )


def _deal(known: Any, value: Decimal | None, currency: str | None) -> DealBody:
    stage = known.get("stage") if isinstance(known, Mapping) else None
    return DealBody(stage=stage if isinstance(stage, str) else None, value=value, currency=currency)


def _contact(row: Mapping[str, Any] | None) -> ContactBody | None:
    return None if row is None else ContactBody.model_validate(row)
