"""Statements that count what was sent and what was answered."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import text

from followup_contracts.payload import Channel
from followup_database import Transaction
from followup_scheduler.core.content import text_of
from followup_scheduler.core.evidence.hours import Slot
from followup_scheduler.core.evidence.tallies import Tally

# A machine's answer says nothing of a person; a call somebody took is answered. What
# somebody of ours wrote (a touch of no run) goes where the person is talking already.
_BY_CHANNEL = text("""
SELECT person_id, channel, sum(sent)::int AS sent, sum(answered)::int AS answered
FROM (
  SELECT person_id, channel, count(*) AS sent,
    count(*) FILTER (WHERE call_result = 'answered') AS answered
  FROM scheduler.touches
  WHERE person_id = ANY(CAST(:ids AS uuid[])) AND state = 'sent' AND enrollment_id <> id
  GROUP BY person_id, channel
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
GROUP BY t.content
""")

# An index holds these, the newest first; of somebody who contacts millions they are enough.
_BY_HOUR = text("""
SELECT channel, extract(isodow FROM local)::int - 1 AS day, extract(hour FROM local)::int AS hour,
  count(*)::int AS sent, count(*) FILTER (WHERE answered)::int AS answered
FROM (
  SELECT t.channel,
    (t.settled_at AT TIME ZONE 'UTC') + make_interval(mins => t.utc_offset) AS local,
    t.call_result IS NOT DISTINCT FROM 'answered' OR EXISTS (
      SELECT FROM scheduler.answers AS a
      WHERE a.touch_id = t.id AND a.intent NOT IN ('auto_reply', 'out_of_office', 'wrong_person')
    ) AS answered
  FROM scheduler.touches AS t
  WHERE t.tenant_id = :tenant AND t.utc_offset IS NOT NULL AND t.state = 'sent'
  ORDER BY t.settled_at DESC LIMIT :most
) AS newest
GROUP BY 1, 2, 3
""")
_NEWEST = 20_000

ByChannel = dict[Channel, Tally]


async def by_channel(tx: Transaction, persons: Iterable[UUID]) -> dict[UUID, ByChannel]:
    """Person → channel → what went out there and was answered."""
    found: dict[UUID, ByChannel] = {}
    for row in await tx.all(_BY_CHANNEL, ids=list(persons)):
        tally = Tally(row["sent"], row["answered"])
        found.setdefault(row["person_id"], {})[row["channel"]] = tally
    return found


async def by_text(tx: Transaction, tenant_id: UUID, sequence: str) -> dict[str, Tally]:
    """Text → how often it went out where it was compared, and was answered.

    One with several subjects is counted as a whole as well.
    """
    found: dict[str, Tally] = {}
    for row in await tx.all(_BY_TEXT, tenant=tenant_id, sequence=sequence):
        tally = Tally(row["sent"], row["answered"])
        for name in {row["content"], text_of(row["content"])}:
            found[name] = found.get(name, Tally()) + tally
    return found


async def by_hour(tx: Transaction, tenant_id: UUID) -> dict[Channel, dict[Slot, Tally]]:
    """Channel → weekday and hour → what went out then, where hours are compared, and was answered.

    On the clocks of those who were contacted; of the newest twenty thousand.
    """
    found: dict[Channel, dict[Slot, Tally]] = {}
    for row in await tx.all(_BY_HOUR, tenant=tenant_id, most=_NEWEST):
        tally = Tally(row["sent"], row["answered"])
        found.setdefault(row["channel"], {})[row["day"], row["hour"]] = tally
    return found
