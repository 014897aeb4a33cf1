"""What was answered so far, counted now and then, apart from whoever decides by it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from followup_contracts.payload import Channel
from followup_database import Database
from followup_runtime.loops import Tick
from followup_scheduler.core.evidence.hours import ByHour
from followup_scheduler.core.evidence.tallies import Tally
from followup_scheduler.store.evidence import by_hour, by_text

FRESH = 60.0
"""Seconds of machine time for which a count is good enough to choose by."""
SHARE = 50
"""A count is taken again no sooner than after so many times what it took: a fiftieth of the
time at most is spent on counting what somebody has a great deal of."""
_EVERY = 1.0
_MOST = 20  # counts a round
_KEPT = 2_000

Question = tuple[UUID, str | None]
"""Tenant, and the sequence whose texts are compared; None asks for the tenant's hours."""
Texts = Mapping[str, Tally]
Hours = Mapping[Channel, ByHour]


@dataclass(slots=True)
class _Counted:
    """What a question was answered last, whether it was put since, and when to count again."""

    asked: bool = True
    due: float = float("-inf")
    texts: Texts = field(default_factory=dict)
    hours: Hours = field(default_factory=dict)


class Evidence:
    """Counts as they were taken last. Asking costs no statement: nobody counts under locks.

    Asking has it counted anew, for whoever asks next; what nobody asks for is not counted.
    What this process was never asked for is unknown for a second, until `Counting` has been
    round.
    """

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._counted: dict[Question, _Counted] = {}

    def texts(self, tenant_id: UUID, sequence: str) -> Texts:
        """How the texts that a sequence compares were answered, by name."""
        return self._ask((tenant_id, sequence)).texts

    def hours(self, tenant_id: UUID) -> Hours:
        """How a tenant's people answered, by channel, weekday and hour."""
        return self._ask((tenant_id, None)).hours

    def stale(self) -> list[Question]:
        """What was asked for and is to be counted again."""
        now = self._monotonic()
        return [q for q, each in self._counted.items() if each.asked and each.due <= now]

    def begin(self, question: Question) -> float:
        """Count it once and not again for a while, whatever comes of it; when that began."""
        now = self._monotonic()
        if (known := self._counted.get(question)) is not None:
            known.asked, known.due = False, now + FRESH
        return now

    def learn(
        self, question: Question, *, texts: Texts | None, hours: Hours | None, begun: float
    ) -> None:
        """Have a question answered by a count that was begun then."""
        known = self._counted.get(question)
        if known is None:
            return
        now = self._monotonic()
        known.due = now + max(FRESH, SHARE * (now - begun))
        known.texts = known.texts if texts is None else texts
        known.hours = known.hours if hours is None else hours

    def _ask(self, question: Question) -> _Counted:
        found = self._counted.pop(question, None) or _Counted()
        found.asked = True
        self._counted[question] = found  # at the end: what was asked for longest ago goes first
        if len(self._counted) > _KEPT:
            del self._counted[next(iter(self._counted))]
        return found


class Counting:
    """Counts what is asked for, each in a transaction of its own that locks nothing."""

    name = "scheduler:counting"

    def __init__(self, database: Database, evidence: Evidence) -> None:
        self._database = database
        self._evidence = evidence

    async def run_once(self) -> Tick:
        """Some of what is stale."""
        stale = self._evidence.stale()
        for question in stale[:_MOST]:
            await self._count(question)
        return Tick(min(len(stale), _MOST), 0.0 if len(stale) > _MOST else _EVERY)

    async def _count(self, question: Question) -> None:
        tenant_id, sequence = question
        begun = self._evidence.begin(question)
        texts: Texts | None = None
        hours: Hours | None = None
        async with self._database.transaction() as tx:
            if sequence is None:
                hours = await by_hour(tx, tenant_id)
            else:
                texts = await by_text(tx, tenant_id, sequence)
        self._evidence.learn(question, texts=texts, hours=hours, begun=begun)
