"""What the ledger already knows of touches that are commanded: a repeated command's answer."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from followup_contracts.envelope import Message
from followup_database import Transaction
from followup_dispatcher import ledger
from followup_dispatcher.answers import command_of, from_ledger, turned_down
from followup_dispatcher.core.verdict import Defer
from followup_dispatcher.ledger import Entry
from followup_dispatcher.picture import Picture

FREED_PAUSE = timedelta(seconds=5)
"""Until a touch whose attempt was freed by somebody else is tried again."""


async def recalled(tx: Transaction, picture: Picture) -> list[Message]:
    """Answers for touches whose attempt the ledger already holds.

    One that is open is put under this round first: "unknown" would stand for ever if what
    frees the attempt spoke of a round that does not count any more. The caps of the batch are
    held already, as whoever else changes attempts holds them first; with rates, which come later,
    only another claim of the same touch could cross, and the server would have one tried again.
    """
    held: dict[UUID, Entry | None] = {entry.touch_id: entry for _, entry in picture.known}
    asked = [
        (entry.touch_id, entry.id, command_of(message).round)
        for message, entry in picture.known
        if entry.state in ledger.OPEN and entry.round < command_of(message).round
    ]
    if asked:
        held |= await _asked_anew(tx, asked)
    answers = [_answer(message, held[entry.touch_id], tx.now) for message, entry in picture.known]
    return [answer for answer in answers if answer is not None]


async def _asked_anew(
    tx: Transaction, asked: Sequence[tuple[UUID, UUID, int]]
) -> Mapping[UUID, Entry | None]:
    """These attempts as they stand by now, under their new rounds while they are open."""
    still_open = await ledger.ask_anew(tx, asked)
    settled = [touch for touch, _, _ in asked if touch not in still_open]
    latest = await ledger.latest(tx, settled) if settled else {}
    return {**still_open, **{touch: latest.get(touch) for touch in settled}}


def _answer(message: Message, entry: Entry | None, now: datetime) -> Message | None:
    if entry is None or entry.state == "retry_later":
        reason = "its attempt was freed as it was asked about"
        return turned_down(message, Defer("provider", "not_begun", reason, now + FREED_PAUSE), now)
    return from_ledger(message, entry, now)
