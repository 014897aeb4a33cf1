"""Which of a person's touches gets the place that a cap leaves, where several want it.

A touch that a cap puts off leaves word of when it may go. A less urgent one that comes by
before, and would take that place, waits until it has gone: not whoever happens to come
first is sent, but whatever matters more. What was left of word lapses soon after its
moment, so a touch that was halted meanwhile holds nobody up for long.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from followup_contracts.commands import SendTouch
from followup_policy.caps import PastContact, caps
from followup_policy.house import HouseRules
from followup_policy.verdicts import Channel
from followup_policy.zones import Whereabouts

GRACE = timedelta(minutes=10)
"""How long after its opening a touch that waits is waited for."""

ARRANGED, NOW, LATER = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Waiter:
    """A touch that a cap put off until `opens_at`; the lowest rank is the most urgent."""

    touch_id: str
    channel: Channel
    round: str
    rank: int
    opens_at: datetime

    @property
    def until(self) -> datetime:
        """When nobody waits for it any longer."""
        return self.opens_at + GRACE


def rank(command: SendTouch) -> int:
    """What was arranged goes before lane `now` (a fresh lead, a reply), that before the rest."""
    if command.transactional:
        return ARRANGED
    return NOW if command.lane == "now" else LATER


def waiter(command: SendTouch, opens_at: datetime) -> Waiter:
    """The word a touch leaves."""
    return Waiter(
        str(command.touch_id), command.channel, command.contact_round, rank(command), opens_at
    )


def stands_behind(
    command: SendTouch,
    waiting: Sequence[Waiter],
    *,
    history: Sequence[PastContact],
    where: Whereabouts,
    house: HouseRules,
    now: datetime,
) -> Waiter | None:
    """The more urgent touch whose place this one would take if it went now; None: it may go."""
    own = PastContact(str(command.touch_id), command.channel, now, command.contact_round)
    for each in waiting:
        if each.rank >= rank(command) or each.touch_id == own.touch_id or each.until < now:
            continue
        at = max(now, each.opens_at)
        free = _room(each, history, where, house, at)
        if free and not _room(each, (*history, own), where, house, at):
            return each
    return None


def _room(
    each: Waiter,
    history: Sequence[PastContact],
    where: Whereabouts,
    house: HouseRules,
    at: datetime,
) -> bool:
    return caps(
        each.channel,
        round=each.round,
        history=history,
        where=where,
        now=at,
        transactional=each.rank == ARRANGED,
        house=house,
    ).allowed
