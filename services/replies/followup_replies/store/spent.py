"""Statements on `replies.spent`: words that a vendor says once, so that a replay is known."""

from datetime import timedelta

from sqlalchemy import text

from followup_database import Transaction
from followup_directory import Account

_SPEND = text("""
INSERT INTO replies.spent (account_id, word, tenant_id, until)
VALUES (:account, :word, :tenant, clock_timestamp() + CAST(:keep AS interval))
ON CONFLICT (account_id, word) DO NOTHING
""")

_EXPIRE = text("DELETE FROM replies.spent WHERE until < statement_timestamp()")


async def spend(tx: Transaction, account: Account, word: str, *, keep: timedelta) -> bool:
    """Note a word for `keep` (machine time); False when it was spoken before."""
    spent = await tx.run(_SPEND, account=account.id, tenant=account.tenant_id, word=word, keep=keep)
    return spent == 1


async def expire(tx: Transaction) -> int:
    """Drop words that are too old to be taken again anyway."""
    return await tx.run(_EXPIRE)
