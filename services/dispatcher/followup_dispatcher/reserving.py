"""Slots in the rates for drafts: which may go out, when, and which have to come again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from followup_contracts.events import ANOTHER_DAY
from followup_database import Transaction
from followup_dispatcher import rates
from followup_dispatcher.core.priority import LATER, rank
from followup_dispatcher.core.slots import Full, Slot, Wish, allot
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
    """Slots for the drafts within all their limits; and what gets none, with when to come.

    The rows of the rates are locked until the transaction ends, so this comes last of
    what a claim asks for.
    """
    owners = {limit.key: draft.tenant_id for draft in drafts for limit in draft.limits}
    pages = await rates.lock(tx, owners)
    wishes = [_wish(draft) for draft in drafts]
    answers, changed = allot(wishes, pages, now=tx.now)
    await rates.save(tx, changed)
    slotted: list[Slotted] = []
    turned_away: list[tuple[Draft, Defer]] = []
    for draft, answer in zip(drafts, answers, strict=True):
        match answer:
            case Slot(at=at):
                slotted.append(Slotted(draft, max(0.0, (at - tx.now).total_seconds())))
            case Full(key=key, not_before=not_before, reason=reason, day=day):
                told = f"{key.partition(':')[0]}: {reason}"
                rule = ANOTHER_DAY if day else "rate"
                turned_away.append((draft, Defer("rate", rule, told, not_before)))
    return slotted, turned_away


def _wish(draft: Draft) -> Wish:
    command = draft.command
    return Wish(
        draft.limits,
        draft.segments,
        AHEAD[command.lane],
        elsewhere=draft.elsewhere,
        urgent=rank(command) < LATER,
    )
