"""Capturing leads: people, leads and `lead.captured`, in the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from followup_contracts.events import LeadCaptured, LeadUpdated
from followup_contracts.payload import Lane, Payload
from followup_database import Transaction, new_id
from followup_directory import Tenant
from followup_intake.core.emails import match_key_email
from followup_intake.core.lead import LeadDraft, RowResult
from followup_intake.core.routing import choose
from followup_messaging.outbox import Outbox
from followup_people import (
    ConsentStatement,
    NewLead,
    SavedLead,
    record_consent,
    upsert_leads,
)

NEVER_ASKED = frozenset({"cold_outbound"})
"""Sources whose people did not ask to be contacted; a referral's friend asked for them."""


@dataclass(frozen=True, slots=True)
class Proof:
    """How a consent was given, as far as the way in can tell (47 CFR 64.1200(f)(9))."""

    method: str
    page: str | None = None
    ip: str | None = None
    user_agent: str | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """An accepted row with what only its way in knows.

    `traceparent`: the trace it came in, where that is not the one at work.
    """

    result: RowResult
    lead: LeadDraft
    proof: Proof
    external_id: str | None = None
    stated_zone: str | None = None
    sequence: str | None = None
    audience: str | None = None
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Captured:
    """A committed lead. `merged`: its person was known already.

    `refused`: it refuses consent for a person who was known.
    """

    row: int
    lead_id: UUID
    person_id: UUID
    merged: bool
    repeated: bool
    refused: bool


class Capture:
    """Saves accepted leads, merging persons, and announces them."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    async def save(
        self, tx: Transaction, tenant: Tenant, drafts: Sequence[Draft], *, lane: Lane
    ) -> list[Captured]:
        """Save and announce, in a fixed number of statements; answers in the order given.

        A lead whose `external_id` is known is the same lead, sent again: it is neither
        saved nor announced a second time, but if it refuses consent now, that counts.
        A row of a file that repeats an earlier one is merged into its person and
        announced as an update, not as a new enquiry.
        """
        if not drafts:
            return []
        new = [_new_lead(draft, tenant, tx.now) for draft in drafts]
        saved = await upsert_leads(tx, new)
        messages = []
        for draft, lead, one in zip(drafts, new, saved, strict=True):
            if one.duplicate_of_lead is None:
                payload = _announcement(draft, lead, one, tx.now, lane, tenant)
                messages.append(
                    self._outbox.message(
                        payload,
                        tenant_id=tenant.id,
                        subject=one.lead_id,
                        time=tx.now,
                        traceparent=draft.traceparent,
                    )
                )
        await self._outbox.add(tx, messages)
        await record_consent(tx, _refusals(drafts, new, saved))
        return [_captured(draft, one) for draft, one in zip(drafts, saved, strict=True)]


def _refusals(
    drafts: Sequence[Draft], new: Sequence[NewLead], saved: Sequence[SavedLead]
) -> list[ConsentStatement]:
    """What leads that are known refuse now; a file's row said it when it was first read."""
    return [
        ConsentStatement(
            tenant_id=lead.tenant_id,
            person_id=one.person_id,
            channel="any",
            state="no",
            at=lead.received_at,
            lead_id=one.lead_id,
            seller=lead.seller,
            addresses=tuple(each for each in (lead.phone_e164, lead.email) if each),
            wording=lead.consent_wording,
            method=lead.consent_method,
            source=lead.source,
            page=lead.page,
        )
        for draft, lead, one in zip(drafts, new, saved, strict=True)
        if one.duplicate_of_lead is not None
        and lead.consent == "no"
        and draft.proof.method != "import"
    ]


def _captured(draft: Draft, one: SavedLead) -> Captured:
    return Captured(
        row=draft.result.row,
        lead_id=one.duplicate_of_lead or one.lead_id,
        person_id=one.person_id,
        merged=one.merged,
        repeated=one.duplicate_of_lead is not None,
        refused=draft.lead.consent == "no" and one.merged,
    )


def _announcement(
    draft: Draft, lead: NewLead, one: SavedLead, now: datetime, lane: Lane, tenant: Tenant
) -> Payload:
    if draft.result.duplicate_of is not None:
        return LeadUpdated(
            lead_id=one.lead_id, person_id=one.person_id, changed=("repeated",), at=now
        )
    return LeadCaptured(
        lead_id=one.lead_id,
        person_id=one.person_id,
        source=lead.source,
        asked=lead.asked,
        audience=lead.audience,
        lane=lane,
        sequence=draft.sequence
        or choose(tenant.settings.routing, draft.lead, audience=lead.audience).sequence,
        received_at=lead.received_at,
    )


def _new_lead(draft: Draft, tenant: Tenant, now: datetime) -> NewLead:
    lead, proof = draft.lead, draft.proof
    possible = "phone_possible_only" in (draft.result.reason, *draft.result.other_reasons)
    email = lead.email_normalized
    return NewLead(
        tenant_id=tenant.id,
        lead_id=new_id(),
        person_id=new_id(),
        first_name=lead.first_name,
        last_name=lead.last_name,
        phone_e164=lead.phone_e164,
        phone_state="possible" if possible else "usable",
        email=email,
        email_match_key=match_key_email(email) if email else None,
        stated_zone=draft.stated_zone,
        country=lead.country,
        state=lead.state,
        postal_code=lead.postal_code,
        city=lead.city,
        audience="b2b" if draft.audience == "b2b" else tenant.settings.audience,
        source=lead.source,
        asked=lead.source not in NEVER_ASKED,
        need=lead.need,
        value=lead.value,
        currency=lead.currency,
        external_id=draft.external_id or lead.external_id,
        attributes=_attributes(lead),
        # A form's own clock may be wrong or its date unreadable; then it is now.
        received_at=min(lead.received_at or now, now),
        consent=lead.consent,
        consent_wording=lead.consent_text,
        consent_method=proof.method,
        seller=tenant.settings.business_name or tenant.name,
        page=proof.page,
        ip=proof.ip,
        user_agent=proof.user_agent,
    )


def _attributes(lead: LeadDraft) -> dict[str, Any]:
    named = {"company": lead.company, "notes": lead.notes}
    return {**lead.attributes, **{k: v for k, v in named.items() if v}}
