"""What follows a run: the sequence its lead enters next."""

from collections.abc import Sequence
from dataclasses import replace

from followup_database import Transaction
from followup_scheduler.enroller import Enroller, Entrance
from followup_scheduler.runs import Run
from followup_scheduler.store import journal
from followup_scheduler.store.journal import Entry


class Successors:
    """Enrolls the leads of runs that have ended in what their sequences name next.

    Each sequence once within one transaction: two that pass a lead to each other at once
    would never come to an end.
    """

    def __init__(self, enroller: Enroller) -> None:
        self._enroller = enroller

    async def enter(self, tx: Transaction, runs: Sequence[Run]) -> None:
        """Enter what these name; a line in the journal says where that cannot be."""
        entries: list[Entry] = []
        entrances: list[Entrance] = []
        for run in runs:
            passed = (*run.came_from, run.enrollment.sequence)
            for key in run.enters:
                if key in passed:
                    entries.append(_not_entered(tx, run, key, "it has just come from there"))
                else:
                    entrances.append(_entrance(tx, run, key, passed))
            run.enters = []
        entered = await self._enroller.enroll(tx, entrances) if entrances else None
        for unknown in entered.unknown if entered is not None else ():
            run = next(run for run in runs if run.enrollment.lead_id == unknown.lead_id)
            entries.append(_not_entered(tx, run, unknown.sequence, "there is no such sequence"))
        if entries:
            await journal.insert(tx, entries)


def _entrance(tx: Transaction, run: Run, key: str, passed: tuple[str, ...]) -> Entrance:
    of = run.enrollment
    first = Entrance(
        tenant_id=of.tenant_id,
        lead_id=of.lead_id,
        person_id=of.person_id,
        sequence=key,
        lane="later",
        anchor=tx.now,
    )
    return replace(first, came_from=passed)


def _not_entered(tx: Transaction, run: Run, key: str, why: str) -> Entry:
    of = run.enrollment
    return Entry(
        of.tenant_id,
        of.lead_id,
        of.person_id,
        of.id,
        tx.now,
        "not enrolled",
        {"sequence": key, "reason": why},
    )
