"""Slots in the rates for drafts: which may go out, when, and which have to come again."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from followup_database import Transaction
from followup_dispatcher import rates
from followup_dispatcher.core.slots import Run, allot
from followup_dispatcher.core.verdict import Defer
from followup_dispatcher.drafting import Draft

AHEAD = {"now": timedelta(seconds=10), "later": timedelta(seconds=2)}
"""How far ahead of now a slot may lie; beyond it a touch is deferred and holds none."""


@dataclass(frozen=True, slots=True)
class Slotted:
    """A draft with its slot: how many seconds from now its call begins."""

    draft: Draft
    starts_in: float


async def reserve(
    tx: Transaction, drafts: Sequence[Draft]
) -> tuple[list[Slotted], list[tuple[Draft, Defer]]]:
    """Slots for the drafts, account and sender alike; and what gets none, with when to come.

    The rows of the rates are locked until the transaction ends, so this comes last of
    what a claim asks for.
    """
    groups: dict[str, list[Draft]] = defaultdict(list)
    wants: dict[str, rates.Want] = {}
    for draft in drafts:
        for key, limit in draft.limits:
            groups[key].append(draft)
            held = wants.get(key)
            wants[key] = rates.Want(
                key=key,
                tenant_id=draft.tenant_id,
                per_second=limit.per_second,
                burst=limit.burst,
                costs=(*(held.costs if held else ()), draft.segments),
                horizon=max(AHEAD[draft.command.lane], held.horizon if held else timedelta()),
            )
    runs = await rates.reserve(tx, [wants[key] for key in sorted(wants)])
    starts, full = _starts(groups, runs)
    slotted: list[Slotted] = []
    turned_away: list[tuple[Draft, Defer]] = []
    for draft in drafts:
        run = full.get(draft.attempt_id)
        if run is not None:
            why = Defer("rate", "rate", "the account's rate is used up", run.free_again)
            turned_away.append((draft, why))
            continue
        start = starts.get(draft.attempt_id, tx.now)
        slotted.append(Slotted(draft, max(0.0, (start - tx.now).total_seconds())))
    return slotted, turned_away


def _starts(
    groups: Mapping[str, Sequence[Draft]], runs: Mapping[str, Run]
) -> tuple[dict[UUID, datetime], dict[UUID, Run]]:
    starts: dict[UUID, datetime] = {}
    full: dict[UUID, Run] = {}
    for key, members in groups.items():
        moments = allot(runs[key], [draft.segments for draft in members])
        for draft, moment in zip(members, moments, strict=True):
            if moment is None:
                full[draft.attempt_id] = runs[key]
            else:
                starts[draft.attempt_id] = max(moment, starts.get(draft.attempt_id, moment))
    return starts, full
