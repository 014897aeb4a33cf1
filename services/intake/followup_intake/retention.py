"""Forgetting people nobody has heard of for as long as their tenant says."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from followup_database import Database, Row, Transaction
from followup_directory import Deed, record_deed, tenants_that_forget
from followup_intake.rights import Rights
from followup_people import forget_old_exports
from followup_runtime.loops import Tick

MOST = 100
LOOKED = 1_000
"""Persons looked at in one transaction: most of a tenant's are old and heard of all the same."""
EVERY = 600.0

_PAGE = text("""
    SELECT p.id, p.created_at FROM people.persons p
    WHERE p.tenant_id = :tenant_id AND p.merged_into IS NULL AND p.created_at < :before
      AND (p.created_at, p.id) > (CAST(:created_at AS timestamptz), CAST(:id AS uuid))
    ORDER BY p.created_at, p.id LIMIT :most
""")
_SILENT = text("""
    SELECT p.id FROM people.persons p
    WHERE p.tenant_id = :tenant_id AND p.id = ANY(CAST(:ids AS uuid[]))
      AND p.merged_into IS NULL
      AND NOT EXISTS (SELECT FROM people.leads l
        WHERE l.person_id = p.id AND l.received_at >= :before)
      AND NOT EXISTS (SELECT FROM people.consents c WHERE c.person_id = p.id AND c.at >= :before)
      AND NOT EXISTS (
        SELECT FROM people.contact_points c, jsonb_each_text(c.heard) AS h(channel, at)
        WHERE c.person_id = p.id AND CAST(h.at AS timestamptz) >= :before)
    ORDER BY p.id LIMIT :most FOR UPDATE SKIP LOCKED
""")
_Place = tuple[datetime, UUID]
_START: _Place = (datetime.min.replace(tzinfo=UTC), UUID(int=0))


class Retention:
    """Erases by business time who was silent too long.

    Silent is who has sent no lead, written nothing and said nothing of consent since.
    Their addresses are not suppressed: they asked for nothing. A tenant's people are looked
    at from the oldest on, some at a time.
    """

    name = "intake:retention"

    def __init__(
        self, database: Database, rights: Rights, *, looked: int = LOOKED, most: int = MOST
    ) -> None:
        self._database = database
        self._rights = rights
        self._looked = looked
        self._most = most
        self._places: dict[UUID, _Place] = {}

    async def run_once(self) -> Tick:
        """A bounded number of people of every tenant that sets a limit."""
        async with self._database.transaction() as tx:
            await forget_old_exports(tx)
            forgetting = await tenants_that_forget(tx)
        self._places = {each: at for each, at in self._places.items() if each in forgetting}
        worked = 0
        for tenant_id, days in forgetting.items():
            worked += await self._forget(tenant_id, days)
        return Tick(worked=worked, again_in=1.0 if worked or self._places else EVERY)

    async def _forget(self, tenant_id: UUID, days: int) -> int:
        async with self._database.transaction() as tx:
            before = tx.now - timedelta(days=days)
            page = await self._page(tx, tenant_id, before)
            silent = await tx.all(
                _SILENT,
                tenant_id=tenant_id,
                ids=[row["id"] for row in page],
                before=before,
                most=self._most,
            )
            persons = [row["id"] for row in silent]
            for person in persons:
                await self._rights.erase(tx, tenant_id, person, listed=False)
            if persons:
                deed = Deed("retention", persons, {"days": days})
                await record_deed(tx, tenant_id, deed, key_id=None, actor="service")
        if len(persons) < self._most:  # else there may be more of them on this page
            self._turn(tenant_id, page)
        return len(persons)

    async def _page(self, tx: Transaction, tenant_id: UUID, before: datetime) -> list[Row]:
        created_at, last = self._places.get(tenant_id, _START)
        rows = await tx.all(
            _PAGE,
            tenant_id=tenant_id,
            before=before,
            created_at=created_at,
            id=last,
            most=self._looked,
        )
        return list(rows)

    def _turn(self, tenant_id: UUID, page: list[Row]) -> None:
        """Go on behind a full page; a shorter one is the last, and the next begins anew."""
        if len(page) < self._looked:
            self._places.pop(tenant_id, None)
        else:
            self._places[tenant_id] = (page[-1]["created_at"], page[-1]["id"])
