"""Forgetting people nobody has heard of for as long as their tenant says."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from followup_database import Database
from followup_directory import Deed, record_deed, tenants_that_forget
from followup_intake.rights import Rights
from followup_people import forget_old_exports
from followup_runtime.loops import Tick

MOST = 100
EVERY = 600.0

_SILENT = text("""
    SELECT p.id FROM people.persons p
    WHERE p.tenant_id = :tenant_id AND p.merged_into IS NULL AND p.created_at < :before
      AND NOT EXISTS (SELECT FROM people.leads l
        WHERE l.person_id = p.id AND l.received_at >= :before)
      AND NOT EXISTS (SELECT FROM people.consents c WHERE c.person_id = p.id AND c.at >= :before)
      AND NOT EXISTS (
        SELECT FROM people.contact_points c, jsonb_each_text(c.heard) AS h(channel, at)
        WHERE c.person_id = p.id AND CAST(h.at AS timestamptz) >= :before)
    ORDER BY p.id LIMIT :most FOR UPDATE SKIP LOCKED
""")


class Retention:
    """Erases by business time who was silent too long.

    Silent is who has sent no lead, written nothing and said nothing of consent since.
    Their addresses are not suppressed: they asked for nothing.
    """

    name = "intake:retention"

    def __init__(self, database: Database, rights: Rights) -> None:
        self._database = database
        self._rights = rights

    async def run_once(self) -> Tick:
        """A bounded number of people of every tenant that sets a limit."""
        async with self._database.transaction() as tx:
            await forget_old_exports(tx)
            forgetting = await tenants_that_forget(tx)
        worked = 0
        for tenant_id, days in forgetting.items():
            worked += await self._forget(tenant_id, days)
        return Tick(worked=worked, again_in=1.0 if worked else EVERY)

    async def _forget(self, tenant_id: UUID, days: int) -> int:
        async with self._database.transaction() as tx:
            before = tx.now - timedelta(days=days)
            silent = await tx.all(_SILENT, tenant_id=tenant_id, before=before, most=MOST)
            persons = [row["id"] for row in silent]
            for person in persons:
                await self._rights.erase(tx, tenant_id, person, listed=False)
            if persons:
                deed = Deed("retention", persons, {"days": days})
                await record_deed(tx, tenant_id, deed, key_id=None, actor="service")
        return len(persons)
