"""What binds a tenant's contacts beside the law, and who has said so.

Nothing here is ever deleted: a stop is lifted and an exemption revoked, both by somebody.
All of it is read in the transaction that claims a touch, so a change counts at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from followup_contracts.payload import Channel
from followup_database import Row, Transaction, new_id
from followup_directory.tenants import Tenant, tenant_of_row
from followup_policy.house import Exemption, HouseRules, Subject, house_rules

EVERYBODY = UUID(int=0)
"""Whose rows hold for every tenant of the installation."""

_STOP = "id, tenant_id, jurisdiction, reason, declared_by, declared_at, lifted_by, lifted_at"
_EXEMPTION = (
    "id, tenant_id, jurisdiction, what, channels, reason, granted_by, granted_at, ends_at, "
    "revoked_by, revoked_at"
)
_TENANTS = text("""
    SELECT t.id, t.slug, t.name, t.state, t.settings,
        (SELECT array_agg(s.jurisdiction) FROM directory.emergency_stops s
         WHERE s.tenant_id IN (t.id, :everybody) AND s.lifted_at IS NULL) AS stops,
        (SELECT jsonb_agg(jsonb_build_array(e.jurisdiction, e.what, e.channels))
         FROM directory.exemptions e
         WHERE e.tenant_id = t.id AND e.revoked_at IS NULL AND e.ends_at > :now) AS exempt
    FROM directory.tenants t WHERE t.id = ANY(CAST(:ids AS uuid[]))
""")
_DECLARE = text("""
    INSERT INTO directory.emergency_stops (id, tenant_id, jurisdiction, reason, declared_by)
    VALUES (:id, :tenant_id, :jurisdiction, :reason, :who)
    ON CONFLICT (tenant_id, jurisdiction) WHERE lifted_at IS NULL DO NOTHING
""")
_LIFT = text("""
    UPDATE directory.emergency_stops SET lifted_by = :who, lifted_at = clock_timestamp()
    WHERE tenant_id = :tenant_id AND jurisdiction = :jurisdiction AND lifted_at IS NULL
""")
_STOPS = text(f"""
    SELECT {_STOP} FROM directory.emergency_stops
    WHERE tenant_id IN (:tenant_id, :everybody) ORDER BY declared_at, id
""")
_GRANT = text(f"""
    INSERT INTO directory.exemptions
        (id, tenant_id, jurisdiction, what, channels, reason, granted_by, ends_at)
    VALUES (:id, :tenant_id, :jurisdiction, :what, CAST(:channels AS text[]), :reason, :who,
        :ends_at)
    RETURNING {_EXEMPTION}
""")
_REVOKE = text("""
    UPDATE directory.exemptions SET revoked_by = :who, revoked_at = clock_timestamp()
    WHERE id = :id AND tenant_id = :tenant_id AND revoked_at IS NULL
""")
_EXEMPTIONS = text(f"""
    SELECT {_EXEMPTION} FROM directory.exemptions
    WHERE tenant_id = :tenant_id ORDER BY granted_at, id
""")


@dataclass(frozen=True, slots=True)
class EmergencyStop:
    """A jurisdiction in which nobody is contacted until somebody lifts it."""

    id: UUID
    tenant_id: UUID
    jurisdiction: str
    reason: str
    declared_by: str
    declared_at: datetime
    lifted_by: str | None
    lifted_at: datetime | None


@dataclass(frozen=True, slots=True)
class GrantedExemption:
    """An exemption with who granted it, why and until when."""

    id: UUID
    tenant_id: UUID
    jurisdiction: str
    what: Subject
    channels: tuple[Channel, ...]
    reason: str
    granted_by: str
    granted_at: datetime
    ends_at: datetime
    revoked_by: str | None
    revoked_at: datetime | None


async def ruled_tenants(
    tx: Transaction, ids: Sequence[UUID]
) -> dict[UUID, tuple[Tenant, HouseRules]]:
    """The tenants with these ids and what binds them, in one statement; unknown ids left out."""
    rows = await tx.all(_TENANTS, ids=list(ids), everybody=EVERYBODY, now=tx.now)
    return {row["id"]: _ruled(row) for row in rows}


async def declare_emergency(
    tx: Transaction, tenant_id: UUID, jurisdiction: str, *, reason: str, who: str
) -> bool:
    """Stop all contact in a jurisdiction, for `EVERYBODY` or one tenant; False if it is already."""
    made = await tx.run(
        _DECLARE,
        id=new_id(),
        tenant_id=tenant_id,
        jurisdiction=jurisdiction,
        reason=reason,
        who=who,
    )
    return made == 1


async def lift_emergency(tx: Transaction, tenant_id: UUID, jurisdiction: str, *, who: str) -> bool:
    """End a stop; False where there is none of this tenant's (or of `EVERYBODY`)."""
    return await tx.run(_LIFT, tenant_id=tenant_id, jurisdiction=jurisdiction, who=who) == 1


async def emergency_stops(tx: Transaction, tenant_id: UUID) -> list[EmergencyStop]:
    """Every stop that binds or bound this tenant, oldest first."""
    rows = await tx.all(_STOPS, tenant_id=tenant_id, everybody=EVERYBODY)
    return [EmergencyStop(**row) for row in rows]


async def grant_exemption(
    tx: Transaction,
    tenant_id: UUID,
    exemption: Exemption,
    *,
    reason: str,
    who: str,
    ends_at: datetime,
) -> GrantedExemption:
    """Record that a law does not bind some channels of this tenant until a moment."""
    row = await tx.first(
        _GRANT,
        id=new_id(),
        tenant_id=tenant_id,
        jurisdiction=exemption.jurisdiction,
        what=exemption.what,
        channels=sorted(exemption.channels),
        reason=reason,
        who=who,
        ends_at=ends_at,
    )
    if row is None:
        raise LookupError("an insert returned no row")
    return _granted(row)


async def revoke_exemption(
    tx: Transaction, tenant_id: UUID, exemption_id: UUID, *, who: str
) -> bool:
    """End an exemption now; False where it is not there or was ended before."""
    return await tx.run(_REVOKE, id=exemption_id, tenant_id=tenant_id, who=who) == 1


async def exemptions(tx: Transaction, tenant_id: UUID) -> list[GrantedExemption]:
    """Every exemption the tenant has or had, oldest first."""
    return [_granted(row) for row in await tx.all(_EXEMPTIONS, tenant_id=tenant_id)]


def _ruled(row: Row) -> tuple[Tenant, HouseRules]:
    tenant = tenant_of_row(row)
    exempt = frozenset(
        Exemption(jurisdiction, what, frozenset(channels))
        for jurisdiction, what, channels in row["exempt"] or ()
    )
    return tenant, house_rules(tenant.settings.rules, exempt, frozenset(row["stops"] or ()))


def _granted(row: Row) -> GrantedExemption:
    return GrantedExemption(**{**row, "channels": tuple(row["channels"])})
