"""The desk behind the door: everything one webhook brings, in one transaction.

Answered only once no send that it forbids can begin any more.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from followup_database import Database, Transaction, committed
from followup_directory import Account
from followup_replies.inbound import Inbound, InboundDesk
from followup_replies.opinions import PATIENCE, SecondOpinions
from followup_replies.parts import PartsDesk
from followup_replies.reports import ReportDesk
from followup_replies.states import Heard, Report
from followup_replies.store import spent
from followup_replies.vendor import Arrival, Genuine
from followup_suppression import StopFence


@dataclass(frozen=True, slots=True)
class Replayed:
    """Its word was spoken before; nothing was taken."""


class FrontDesk:
    """Takes in what came, whole or not at all."""

    def __init__(
        self,
        database: Database,
        *,
        inbound: InboundDesk,
        parts: PartsDesk,
        reports: ReportDesk,
        fence: StopFence,
        opinions: SecondOpinions | None = None,
    ) -> None:
        self._database = database
        self._inbound = inbound
        self._parts = parts
        self._reports = reports
        self._fence = fence
        self._opinions = opinions

    async def take(
        self,
        account: Account,
        arrivals: Sequence[Arrival],
        *,
        genuine: Genuine | None = None,
        seconds: float = PATIENCE,
    ) -> list[str | None] | Replayed:
        """Take these in; returns what each message is to be answered with at once.

        Returns no earlier than the fence allows, where it forbids a send. What was seen
        before changes nothing and is answered as it was then. A second opinion is waited
        for no longer than `seconds`.
        """
        if not arrivals:
            return []
        if self._opinions is not None:
            arrivals = await self._opinions.asked(arrivals, seconds=seconds)

        async def work(tx: Transaction) -> list[str | None] | Replayed:
            once = None if genuine is None else genuine.once
            if (
                genuine is not None
                and once is not None
                and not await spent.spend(tx, account, once, keep=genuine.remembered)
            ):
                return Replayed()
            return await self._take(tx, account, arrivals)

        taken = await committed(self._database, work)
        if any(_forbids(arrival) for arrival in arrivals):
            await self._fence.settle(self._fence.moment())
        return taken

    async def heard(self, account: Account, report: Report, heard: Heard) -> None:
        """Note who hears a call; of a call that nobody knows nothing is noted."""
        await committed(self._database, lambda tx: self._reports.heard(tx, account, report, heard))

    async def _take(
        self, tx: Transaction, account: Account, arrivals: Sequence[Arrival]
    ) -> list[str | None]:
        # Two webhooks about the same attempts lock them in the same order.
        reports = [arrival for arrival in arrivals if isinstance(arrival, Report)]
        for report in sorted(reports, key=lambda report: report.order):
            await self._reports.take(tx, account, report)
        return [
            await self._hear(tx, account, arrival)
            for arrival in arrivals
            if isinstance(arrival, Inbound)
        ]

    async def _hear(self, tx: Transaction, account: Account, inbound: Inbound) -> str | None:
        if inbound.part is not None:
            return await self._parts.take(tx, account, inbound, inbound.part)
        return await self._inbound.take(tx, account, inbound)


def _forbids(arrival: Arrival) -> bool:
    """Whether it may forbid a send: a message holds its sender, a report may be of a stop."""
    return isinstance(arrival, Inbound) or (arrival.about is not None and arrival.about.stops)
