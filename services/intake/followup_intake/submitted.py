"""Leads that sources bring, judged and captured like any other."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from followup_database import Database, Transaction, committed
from followup_directory import tenants_by_id
from followup_intake.capture import Capture, Captured, Draft, Proof
from followup_intake.core.normalise import normalise_lead
from followup_intake.core.vendors.answers import Sent
from followup_intake.drafts import schema_of
from followup_intake.sources import Source
from followup_suppression import StopFence


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a lead: its id, or why there is none. `repeated`: it was known."""

    lead_id: UUID | None
    reason: str
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Caller:
    """Who posted, as far as a proof of consent names it."""

    ip: str | None = None
    user_agent: str | None = None
    page: str | None = None


NOBODY = Caller()


class Submission:
    """Takes leads of sources in, in lane `now`."""

    def __init__(self, database: Database, capture: Capture, fence: StopFence) -> None:
        self._database = database
        self._capture = capture
        self._fence = fence

    async def take(self, source: Source, sent: Sent, caller: Caller = NOBODY) -> Taken:
        """Judge and capture one; returns when it is committed, behind the fence for a `no`."""

        async def work(tx: Transaction) -> tuple[Captured | None, str]:
            tenant = (await tenants_by_id(tx, [source.tenant_id])).get(source.tenant_id)
            if tenant is None or tenant.state != "active":
                return None, "the tenant is not active"
            result = normalise_lead(
                _with_wording(sent.fields, source),
                today=tx.now.date(),
                default_country=tenant.settings.default_country,
                schema=schema_of(tenant),
            )
            if result.lead is None:
                return None, result.reason
            draft = Draft(
                result,
                result.lead,
                Proof(
                    source.kind,
                    page=sent.page or caller.page,
                    ip=caller.ip,
                    user_agent=caller.user_agent,
                ),
                external_id=sent.external_id,
                sequence=source.config.sequence,
            )
            (captured,) = await self._capture.save(tx, tenant, [draft], lane="now")
            return captured, result.reason

        captured, reason = await committed(self._database, work, tenant=source.tenant_id)
        if captured is None:
            return Taken(None, reason)
        if captured.refused:
            await self._fence.settle(self._fence.moment())
        return Taken(captured.lead_id, reason, captured.repeated)


def _with_wording(fields: Mapping[str, object], source: Source) -> Mapping[str, object]:
    """The fields, with the wording that stood beside the consent box where the source says it."""
    wording = source.config.consent_wording
    if wording is None or "consent" not in fields or "consent_text" in fields:
        return fields
    return {**fields, "consent_text": wording}
