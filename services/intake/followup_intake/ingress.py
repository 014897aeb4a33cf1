"""Leads and product events from other services, over the bus."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import structlog
from pydantic import ValidationError

from followup_contracts.envelope import Message
from followup_contracts.ingress import LeadEventSubmitted, LeadSubmitted
from followup_contracts.payload import Lane
from followup_database import Transaction
from followup_directory import Tenant, tenants_by_id
from followup_intake import overtaken
from followup_intake.capture import Capture, Draft, Proof
from followup_intake.drafts import drafted, refusal
from followup_intake.happenings import Happenings, IncompleteEvent, UnknownLead
from followup_intake.models import LeadIn
from followup_intake.refusals import bury
from followup_runtime.limits import nul_in
from followup_runtime.problems import Problem, from_validation

log = structlog.get_logger(__name__)


class Ingress:
    """Handles `followup.ingress`: what can be taken is committed, the rest is a dead letter.

    The envelope's id is the lead's idempotency key beside its own `external_id`.
    """

    def __init__(self, *, capture: Capture, happenings: Happenings) -> None:
        self._capture = capture
        self._happenings = happenings

    async def __call__(self, tx: Transaction, messages: Sequence[Message]) -> None:
        """Take a batch in one transaction."""
        tenants = await tenants_by_id(tx, sorted({m.tenant_id for m in messages}))
        drafts: dict[tuple[UUID, Lane], list[Draft]] = {}
        happened: list[tuple[Message, LeadEventSubmitted]] = []
        refused: list[tuple[Message, str]] = []
        for message in messages:
            tenant = tenants.get(message.tenant_id)
            if tenant is not None and tenant.state == "deleted":
                # A letter would keep somebody's lead for a tenant that is to leave nothing.
                log.warning("lead_of_deleted_tenant", message_id=str(message.id))
                continue
            if tenant is None or tenant.state != "active":
                refused.append((message, "the tenant is not known or not active"))
                continue
            match message.data:
                case LeadSubmitted(lane=lane):
                    drafted = _draft(message, message.data, tenant, tx)
                    if isinstance(drafted, str):
                        refused.append((message, drafted))
                    else:
                        drafts.setdefault((tenant.id, lane), []).append(drafted)
                case LeadEventSubmitted():
                    happened.append((message, message.data))
                case _:
                    refused.append((message, f"{message.type} does not belong on the ingress"))
        for (tenant_id, lane), batch in sorted(drafts.items()):
            await self._capture.save(tx, tenants[tenant_id], batch, lane=lane)
        # After the leads: what happened to one may stand in the same batch as itself.
        refused += await self._happened(tx, happened)
        await bury(tx, refused)

    async def _happened(
        self, tx: Transaction, happened: Sequence[tuple[Message, LeadEventSubmitted]]
    ) -> list[tuple[Message, str]]:
        """Take events; those that came before their lead are parked, not refused.

        What already waits for the same leads goes first: it happened before.
        """
        earlier = await overtaken.named_alike(tx, happened)
        waiting = [parked.message.id for parked in earlier]
        parking: list[tuple[Message, LeadEventSubmitted]] = []
        refused: list[tuple[Message, str]] = []
        for message, event in [*((p.message, p.event) for p in earlier), *happened]:
            try:
                await self._happenings.take(tx, message.tenant_id, event)
            except UnknownLead:
                parking.append((message, event))
            except IncompleteEvent as error:
                refused.append((message, f"{type(error).__name__}: {error}"))
        still = {message.id for message, _ in parking}
        await overtaken.done(tx, [id_ for id_ in waiting if id_ not in still])
        await overtaken.park(tx, parking)
        return refused


def _draft(message: Message, data: LeadSubmitted, tenant: Tenant, tx: Transaction) -> Draft | str:
    pointer = nul_in(data.fields)
    if pointer is not None:
        return f"{pointer}: a text holds a NUL character"
    try:
        body = LeadIn.model_validate(data.fields)
    except ValidationError as error:
        first = from_validation(error.errors(include_input=False, include_url=False))[0]
        return f"{first['pointer']}: {first['detail']}"
    draft = drafted(body, tenant=tenant, today=tx.now.date())
    if not isinstance(draft, Draft):
        return _said(refusal(draft))
    return replace(
        draft,
        proof=Proof("amqp", page=body.consent_page),
        external_id=body.external_id or f"message:{message.id}",
    )


def _said(problem: Problem) -> str:
    """A refusal in a line: what is to be mended, and where."""
    places = "; ".join(f"{each['pointer']}: {each['detail']}" for each in problem.errors)
    return f"{problem.said} ({places})"
