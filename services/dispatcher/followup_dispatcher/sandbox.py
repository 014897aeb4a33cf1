"""The sandbox's record: what would have gone out, kept where a real provider would send."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text

from followup_database.engine import Database, Transaction
from followup_database.ids import new_id
from followup_dispatcher.providers.port import Call

# Of nobody known what is said and where to is not kept: no erasure would find it.
_RECORD = text("""
INSERT INTO dispatcher.sandbox (id, tenant_id, person_id, touch_id, attempt_id, account_id, channel,
  recipient, sender, subject, text, html, voicemail, at)
SELECT :id, a.tenant_id, a.person_id, a.touch_id, a.id, a.account_id, a.channel,
  CASE WHEN a.lead_id <> a.touch_id THEN CAST(:recipient AS text) END, :sender,
  CASE WHEN a.lead_id <> a.touch_id THEN CAST(:subject AS text) END,
  CASE WHEN a.lead_id <> a.touch_id THEN CAST(:text AS text) END,
  CASE WHEN a.lead_id <> a.touch_id THEN CAST(:html AS text) END,
  CASE WHEN a.lead_id <> a.touch_id THEN CAST(:voicemail AS text) END, :now
FROM dispatcher.attempts a WHERE a.touch_id = :touch AND a.id = :attempt
""")

_FIND = text("""
SELECT id FROM dispatcher.sandbox WHERE touch_id = :touch AND attempt_id = :attempt LIMIT 1
""")

_PAGE = text("""
SELECT id, touch_id, attempt_id, account_id, person_id, channel, recipient, sender, subject, text,
       html, voicemail, at
FROM dispatcher.sandbox WHERE tenant_id = :tenant AND id > :after ORDER BY id LIMIT :most
""")


class SandboxRecord:
    """Where the sandbox provider writes, and where it looks things up again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, call: Call) -> str:
        """Keep the call; returns its reference. Committed when this returns."""
        reference = new_id()
        content = call.content
        async with self._database.transaction() as tx:
            await tx.run(
                _RECORD,
                id=reference,
                touch=call.touch_id,
                attempt=call.attempt_id,
                recipient=call.to,
                sender=call.sender,
                subject=content.subject,
                text=content.text,
                html=content.html,
                voicemail=content.voicemail,
                now=tx.now,
            )
        return str(reference)

    async def find(self, touch_id: UUID, attempt_id: UUID) -> str | None:
        """The reference of an attempt the sandbox has accepted."""
        async with self._database.transaction() as tx:
            found = await tx.scalar(_FIND, touch=touch_id, attempt=attempt_id)
        return None if found is None else str(found)


async def page(tx: Transaction, *, after: UUID, most: int) -> Sequence[dict[str, Any]]:
    """A page of the tenant's sandbox entries, oldest first."""
    return [dict(row) for row in await tx.all(_PAGE, tenant=tx.tenant, after=after, most=most)]
