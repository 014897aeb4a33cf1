"""Statements that count what was sent and what was answered."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import text

from followup_contracts.payload import Channel
from followup_database import Transaction
from followup_scheduler.core.evidence.tallies import Tally

# A machine's answer says nothing of a person; a call somebody took is answered.
_BY_CHANNEL = text("""
SELECT person_id, channel, sum(sent)::int AS sent, sum(answered)::int AS answered
FROM (
  SELECT person_id, channel, count(*) AS sent,
    count(*) FILTER (WHERE call_result = 'answered') AS answered
  FROM scheduler.touches
  WHERE person_id = ANY(CAST(:ids AS uuid[])) AND state = 'sent' GROUP BY person_id, channel
  UNION ALL
  SELECT person_id, channel, 0, count(*) FROM scheduler.answers
  WHERE person_id = ANY(CAST(:ids AS uuid[]))
    AND intent NOT IN ('auto_reply', 'out_of_office', 'wrong_person')
  GROUP BY person_id, channel
) AS counted
GROUP BY person_id, channel
""")

# An index holds exactly these touches; an answer finds its touch by its id.
_BY_TEXT = text("""
SELECT t.content, count(*)::int AS sent, count(answered.touch_id)::int AS answered
FROM scheduler.touches AS t
LEFT JOIN LATERAL (
  SELECT a.touch_id FROM scheduler.answers AS a
  WHERE a.touch_id = t.id AND a.intent NOT IN ('auto_reply', 'out_of_office', 'wrong_person')
  LIMIT 1) AS answered ON true
WHERE t.tenant_id = :tenant AND t.sequence = :sequence AND t.compared AND t.state = 'sent'
  AND t.content = ANY(CAST(:texts AS text[]))
GROUP BY t.content
""")

ByChannel = dict[Channel, Tally]


async def by_channel(tx: Transaction, persons: Iterable[UUID]) -> dict[UUID, ByChannel]:
    """Person → channel → what went out there and was answered."""
    found: dict[UUID, ByChannel] = {}
    for row in await tx.all(_BY_CHANNEL, ids=list(persons)):
        tally = Tally(row["sent"], row["answered"])
        found.setdefault(row["person_id"], {})[row["channel"]] = tally
    return found


async def by_text(
    tx: Transaction, tenant_id: UUID, sequence: str, texts: Iterable[str]
) -> dict[str, Tally]:
    """Text → how often it went out where it was compared, and was answered."""
    rows = await tx.all(_BY_TEXT, tenant=tenant_id, sequence=sequence, texts=sorted(texts))
    return {row["content"]: Tally(row["sent"], row["answered"]) for row in rows}
