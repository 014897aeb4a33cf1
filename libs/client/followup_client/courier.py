"""Carries letters from a local outbox to Followup, until it has what is in them.

A lead stays in the outbox until intake is seen to have committed it, and is published again
if that takes long: a broker that was wiped in between costs time and no lead. An event is
Followup's once the broker has confirmed it.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from followup_client.amqp import LeadPublisher
from followup_client.asynchronous import AsyncFollowup
from followup_client.errors import FollowupError
from followup_client.leads import MOST_NAMED, named
from followup_client.outbox import Outbox

Committed = Callable[[Sequence[str]], Awaitable[Collection[str]]]
"""Which of these external ids (up to 100) are leads that intake has committed."""

FIRST_WAIT = 30.0
LONGEST_WAIT = 3600.0
_LATE = 5
"""A lead published so often and not committed has been refused, or nobody takes leads in. It is
asked for only when it is due again."""
_LONGEST_QUERY = 6_000  # proxies commonly take a line of 8 KB

_log = logging.getLogger("followup_client.courier")


@dataclass(frozen=True, slots=True)
class Round:
    """What a round did: leads seen committed, letters confirmed, and what is kept still.

    `late`: the external ids of leads that were published often and are not committed; see
    the dead letters of intake for why.
    """

    committed: int
    published: int
    kept: int
    late: tuple[str, ...] = ()


def asking(followup: AsyncFollowup) -> Committed:
    """Ask intake over HTTP; the key needs the scope `leads:read`."""

    async def committed(external_ids: Sequence[str]) -> Collection[str]:
        found = set[str]()
        for portion in portions(external_ids):
            page = await followup.send(named(portion))
            found |= {lead.external_id for lead in page.items if lead.external_id is not None}
        return found

    return committed


def portions(external_ids: Sequence[str]) -> Iterator[list[str]]:
    """External ids in requests whose address no proxy finds too long, in their order."""
    portion, length = list[str](), 0
    for name in external_ids:
        more = len(quote(name, safe="")) + len("&external_id=")
        if portion and (len(portion) >= MOST_NAMED or length + more > _LONGEST_QUERY):
            yield portion
            portion, length = [], 0
        portion.append(name)
        length += more
    if portion:
        yield portion


class Courier:
    """Works on one outbox; one courier a file. `clock` gives seconds since 1970."""

    def __init__(
        self,
        outbox: Outbox,
        publisher: LeadPublisher,
        *,
        committed: Committed,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._outbox = outbox
        self._publisher = publisher
        self._committed = committed
        self._clock = clock
        self._looked_to = 0

    async def run_once(self, *, most: int = 500) -> Round:
        """Settle what is committed, then publish what is due, up to `most` of each.

        Raises what `committed` raises, and `NotConfirmed` when the broker takes nothing;
        every letter is kept then.
        """
        committed = await self._settle(most)
        published = await self._publish(most)
        late = await self._outbox.often(_LATE, most=most)
        return Round(committed, published, await self._outbox.count(), tuple(late))

    async def run(self, *, every: float = 1.0, stop: asyncio.Event) -> None:
        """Rounds until `stop` is set; a round that fails is told to the log and comes again."""
        known = frozenset[str]()
        while not stop.is_set():
            try:
                late = frozenset((await self.run_once()).late)
                if late - known:
                    _log.warning("%d leads are published and not committed", len(late))
                known = late
            except FollowupError as error:
                _log.warning("a round of the courier failed: %s", type(error).__name__)
            try:
                await asyncio.wait_for(stop.wait(), every)
            except TimeoutError:
                continue

    async def _settle(self, most: int) -> int:
        """Look at some of what is published, on from where the last round ended."""
        settled, looked, now = 0, 0, self._clock()
        while looked < most:
            found, self._looked_to = await self._outbox.unsettled(
                now, after=self._looked_to, late=_LATE, most=MOST_NAMED
            )
            if not found:
                self._looked_to = 0
                break
            looked += len(found)
            names = [kept.letter.external_id for kept in found if kept.letter.external_id]
            there = await self._committed(names) if names else ()
            done = [kept.letter.id for kept in found if kept.letter.external_id in there]
            await self._outbox.settled(done)
            settled += len(done)
        return settled

    async def _publish(self, most: int) -> int:
        due = await self._outbox.due(self._clock(), most=most)
        for kept in due:
            await self._publisher.publish(kept.letter)
            if kept.letter.external_id is None:
                await self._outbox.settled([kept.letter.id])
                continue
            wait = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(kept.published, 30))
            await self._outbox.published(kept.letter.id, due=self._clock() + wait)
        return len(due)
