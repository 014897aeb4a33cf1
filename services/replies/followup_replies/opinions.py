"""Second opinions on messages that came in, before anything is locked for them."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import structlog

from followup_replies.classifiers import Classifier
from followup_replies.core.quoting import take_apart
from followup_replies.core.reading import read
from followup_replies.core.refining import is_unclear
from followup_replies.inbound import Inbound, text_of
from followup_replies.vendor import Arrival

_LOG = structlog.get_logger(__name__)
PATIENCE: Final = 2.0
"""Seconds that are waited for an opinion, unless whoever tells of the messages gives up sooner."""
_MOST_ASKED: Final = 5
"""Messages of one webhook that are asked about; vendors bring one, as a rule."""


class SecondOpinions:
    """Asks a classifier about messages that rules and sayings can't make out."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier

    async def asked(
        self, arrivals: Sequence[Arrival], *, seconds: float = PATIENCE
    ) -> list[Arrival]:
        """Give the arrivals, the unclear ones with what the classifier thinks of them.

        It is waited for no longer than `seconds`, all in all. A text that ends the messages
        is never kept waiting: it is clear.
        """
        waiting = _MOST_ASKED
        asked: list[asyncio.Future[Arrival]] = []
        for arrival in arrivals:
            asks = waiting > 0 and isinstance(arrival, Inbound) and _is_unclear(arrival)
            waiting -= asks
            if asks and isinstance(arrival, Inbound):
                work = self._ask(arrival, seconds)
            else:
                work = _same(arrival)
            asked.append(asyncio.ensure_future(work))
        return list(await asyncio.gather(*asked))

    async def _ask(self, inbound: Inbound, seconds: float) -> Arrival:
        own = take_apart(inbound.body).own
        try:
            async with asyncio.timeout(seconds):
                opinion = await self._classifier.opinion(f"{inbound.subject or ''}\n{own}".strip())
        except TimeoutError:
            _LOG.warning("classifier.silent", error="TimeoutError")
            return inbound
        return replace(inbound, opinion=opinion)


async def _same(arrival: Arrival) -> Arrival:
    return arrival


def _is_unclear(inbound: Inbound) -> bool:
    if inbound.part is not None:  # nothing can be said of a part alone
        return False
    reading = read(text_of(inbound, None), received=datetime.now(UTC))
    return inbound.meaning is None and is_unclear(reading)
