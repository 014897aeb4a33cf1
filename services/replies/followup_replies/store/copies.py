"""Copies of words for one person, kept among the templates for whoever sends them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from followup_database import Transaction
from followup_directory import Words, forget_words, words_before

# Who says the same to somebody again uses the copy there is, however old: it is still needed
# while one of those messages is. The copy of a message from before copies were named with it
# is known by its person alone.
_NEEDED = text("""
SELECT template, CAST(NULL AS uuid) AS person_id FROM replies.written
WHERE tenant_id = :tenant AND template = ANY(CAST(:hashes AS text[])) AND body IS NOT NULL
UNION ALL
SELECT NULL, person_id FROM replies.written
WHERE tenant_id = :tenant AND person_id = ANY(CAST(:persons AS uuid[]))
  AND template IS NULL AND body IS NOT NULL
""")


async def forget_old(tx: Transaction, tenant_id: UUID, *, before: datetime, most: int) -> int:
    """Delete a tenant's copies from before that moment that nothing needs, up to `most`."""
    after: Words | None = None
    while old := await words_before(tx, tenant_id, before, after=after, most=most):
        gone = await forget_words(tx, tenant_id, await _needless(tx, tenant_id, old))
        if gone or len(old) < most:
            return gone
        after = old[-1]
    return 0


async def _needless(tx: Transaction, tenant_id: UUID, old: Sequence[Words]) -> set[str]:
    rows = await tx.all(
        _NEEDED,
        tenant=tenant_id,
        hashes=[words.hash for words in old],
        persons=sorted({words.person_id for words in old}),
    )
    hashes = {row["template"] for row in rows}
    persons = {row["person_id"] for row in rows}
    return {w.hash for w in old if w.hash not in hashes and w.person_id not in persons}
