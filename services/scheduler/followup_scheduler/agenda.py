"""Who needs follow-up: what is due of each lead, and what is known of it so far."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from followup_database import Transaction
from followup_people import LeadView, PersonView, views
from followup_scheduler.core.agenda import Due, Horizons
from followup_scheduler.core.evidence.channels import Best, best_channel
from followup_scheduler.store import agenda, answers, tasks
from followup_scheduler.store.agenda import Entry
from followup_scheduler.store.evidence import by_channel


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the agenda: what is due (a task's or a touch's row), and of whom."""

    entry: Entry
    due: Due
    what: Mapping[str, Any]
    person: PersonView
    lead: LeadView
    last_contact: Mapping[str, Any] | None
    next_touch: Mapping[str, Any] | None
    response: Mapping[str, Any] | None
    best: Best | None


async def lines(
    tx: Transaction, tenant_id: UUID, entries: Sequence[Entry], horizons: Horizons
) -> list[Line]:
    """The lines of these entries, with a statement a kind of thing, not a lead.

    Left out is what was done between one look and the next, and leads erased meanwhile.
    """
    leads = {entry.lead_id for entry in entries}
    of_tasks = await tasks.by_id(tx, tenant_id, _ids(entries, "task"))
    of_touches = await agenda.touches_by_id(tx, tenant_id, _ids(entries, "touch"))
    contacts = await agenda.contacts_of(tx, tenant_id, leads)
    said = await answers.last_of(tx, tenant_id, leads)
    counted = await by_channel(tx, {entry.person_id for entry in entries})
    people = await views(tx, [(entry.lead_id, entry.person_id) for entry in entries])
    what = {**of_tasks, **of_touches}
    return [
        Line(
            entry,
            horizons.due(entry.due_at),
            what[entry.id],
            *people[entry.lead_id],
            last_contact=contacts.get((entry.lead_id, True)),
            next_touch=contacts.get((entry.lead_id, False)),
            response=said.get(entry.lead_id),
            best=best_channel(counted.get(entry.person_id, {})),
        )
        for entry in entries
        if entry.id in what and entry.lead_id in people
    ]


def _ids(entries: Sequence[Entry], kind: str) -> list[UUID]:
    return [entry.id for entry in entries if entry.type == kind]
