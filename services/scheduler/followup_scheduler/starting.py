"""Leads that enter sequences by themselves, upon what the product says of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from followup_database import Transaction
from followup_people import LeadView, leads_by_id
from followup_scheduler.book import SequenceBook
from followup_scheduler.core.format.reaction import ProductEvent
from followup_scheduler.core.format.start import Start, asked
from followup_scheduler.core.reenrolling import NotAgain
from followup_scheduler.enroller import Enroller, Entrance
from followup_scheduler.store import journal
from followup_scheduler.store.journal import Entry

Happening = tuple[UUID, UUID, ProductEvent]
"""Tenant, lead, event."""

_WHY_NOT = {
    "running": "the lead is in it still",
    "never": "the lead has been in it",
    "too soon": "the lead has been in it lately",
}


class Starter:
    """Enters leads into those sequences of their tenant that start by an event.

    Only what a tenant has published itself starts by anything: sequences of the library do
    not. Whoever has been in one enters again as its document allows.
    """

    def __init__(self, book: SequenceBook, enroller: Enroller) -> None:
        self._book = book
        self._enroller = enroller

    async def start(self, tx: Transaction, happened: Sequence[Happening]) -> None:
        """Enter the leads of these events, each into each sequence once.

        Their persons are locked, and what else is decided on these events is saved.
        """
        tenants = {tenant_id for tenant_id, _, _ in happened}
        starts = await self._book.starts(tx, tenants) if tenants else {}
        if not starts:
            return
        leads = await leads_by_id(tx, list({lead_id for _, lead_id, _ in happened}))
        entrances = _entrances(happened, starts, leads, at=tx.now)
        entered = await self._enroller.enroll(tx, entrances) if entrances else None
        if entered is not None and entered.standing:
            entries = [_not_entered(each, why, at=tx.now) for each, why in entered.standing]
            await journal.insert(tx, entries)


def _entrances(
    happened: Sequence[Happening],
    starts: Mapping[tuple[UUID, str], Sequence[Start]],
    leads: Mapping[UUID, LeadView],
    *,
    at: datetime,
) -> list[Entrance]:
    """Of two events that open one sequence to a lead the first is the one by which it enters."""
    found: dict[tuple[UUID, str], Entrance] = {}
    for tenant_id, lead_id, event in happened:
        lead = leads.get(lead_id)
        for (owner, key), several in starts.items():
            conditions = asked(several, event)
            theirs = lead is not None and lead.tenant_id == owner == tenant_id
            if lead is None or not theirs or conditions is None:
                continue
            entrance = Entrance(
                tenant_id=tenant_id,
                lead_id=lead_id,
                person_id=lead.person_id,
                sequence=key,
                lane="now",
                anchor=at,
                started_by=event,
                one_of=conditions,
            )
            found.setdefault((lead_id, key), entrance)
    return list(found.values())


def _not_entered(entrance: Entrance, why: NotAgain, *, at: datetime) -> Entry:
    return Entry(
        entrance.tenant_id,
        entrance.lead_id,
        entrance.person_id,
        None,
        at,
        "not enrolled",
        {
            "sequence": entrance.sequence,
            "event": entrance.started_by,
            "reason": _WHY_NOT[why.reason],
        },
    )
