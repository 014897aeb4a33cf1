"""Limits shared by all replicas: one row for each, locked while its slots are handed out.

The rows are locked in key order until the transaction ends, which is why rates come last
in a claim.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from followup_database.engine import Transaction, to_json
from followup_dispatcher.core.slots import Page

_LOCK = text("""
SELECT key, next_at, day, used, line FROM dispatcher.rates
WHERE key = ANY(CAST(:keys AS text[])) ORDER BY key FOR UPDATE
""")
_READ = text("""
SELECT key, next_at, day, used, line FROM dispatcher.rates
WHERE tenant_id = ANY(CAST(:tenants AS uuid[])) AND key = ANY(CAST(:keys AS text[]))
""")
_ENTER = text("""
INSERT INTO dispatcher.rates (key, tenant_id, next_at)
SELECT key, tenant_id, CAST(:long_ago AS timestamptz)
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(key text, tenant_id uuid)
ORDER BY key ON CONFLICT DO NOTHING
""")
_SAVE = text("""
UPDATE dispatcher.rates r SET next_at = w.next_at, day = w.day, used = w.used, line = w.line
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS w(
  key text, next_at timestamptz, day date, used int, line int)
WHERE r.key = w.key
""")
_LONG = timedelta(hours=1)


async def lock(tx: Transaction, owners: Mapping[str, UUID]) -> dict[str, Page]:
    """Lock the pages of these limits (key → tenant) and return them; new ones are made."""
    if not owners:
        return {}
    pages = await _locked(tx, owners)
    if len(pages) == len(owners):
        return pages
    missing = [{"key": k, "tenant_id": t} for k, t in owners.items() if k not in pages]
    await tx.run(_ENTER, rows=to_json(missing), long_ago=tx.now - _LONG)
    return await _locked(tx, owners)


async def read(tx: Transaction, owners: Mapping[str, UUID]) -> dict[str, Page]:
    """The pages of these limits as they stand, unlocked; those never used are missing."""
    if not owners:
        return {}
    tenants = sorted(set(owners.values()))
    return _pages(await tx.all(_READ, tenants=tenants, keys=sorted(owners)))


async def save(tx: Transaction, pages: Mapping[str, Page]) -> None:
    """Write what was handed out of locked limits."""
    if not pages:
        return
    rows = [
        {"key": key, "next_at": page.next_at, "day": page.day, "used": page.used, "line": page.line}
        for key, page in sorted(pages.items())
    ]
    await tx.run(_SAVE, rows=to_json(rows))


async def _locked(tx: Transaction, owners: Mapping[str, UUID]) -> dict[str, Page]:
    return _pages(await tx.all(_LOCK, keys=sorted(owners)))


def _pages(rows: Sequence[Mapping[str, Any]]) -> dict[str, Page]:
    return {row["key"]: Page(row["next_at"], row["day"], row["used"], row["line"]) for row in rows}
