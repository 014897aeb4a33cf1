"""What the database holds when the demo is over, read across all owners as an auditor would.

Nothing of the product reads like this: services know their own schema alone.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from followup_database import Database
from followup_embedded.demo.evidence import Fate, Human, PhoneCall, Sending, Word

_SURVIVORS = """
WITH RECURSIVE lives(id, now) AS (
  SELECT id, id FROM people.persons WHERE merged_into IS NULL
  UNION ALL
  SELECT p.id, l.now FROM people.persons p JOIN lives l ON p.merged_into = l.id)
"""
_PERSONS = text(f"""{_SURVIVORS}
SELECT p.id, p.country, p.state, p.postal_code,
  (SELECT coalesce(bool_and(l.asked), false) FROM people.leads l
    JOIN lives v ON v.id = l.person_id WHERE v.now = p.id) AS asked,
  (SELECT coalesce(array_agg(c.address ORDER BY c.address), '{{}}') FROM people.contact_points c
    JOIN lives v ON v.id = c.person_id WHERE v.now = p.id AND c.kind = 'phone') AS phones,
  (SELECT coalesce(array_agg(c.address ORDER BY c.address), '{{}}') FROM people.contact_points c
    JOIN lives v ON v.id = c.person_id WHERE v.now = p.id AND c.kind = 'email') AS emails
FROM people.persons p WHERE p.merged_into IS NULL
""")
_LIVES = text(f"{_SURVIVORS} SELECT id, now FROM lives")
_WORDS = text(f"""{_SURVIVORS}
SELECT v.now AS person_id, c.channel, c.state, c.at
FROM people.consents c JOIN lives v ON v.id = c.person_id ORDER BY c.at, c.id
""")
_SENDINGS = text(f"""{_SURVIVORS}
SELECT s.touch_id, a.enrollment_id, coalesce(v.now, s.person_id) AS person_id, s.channel, s.at,
  a.contact_round AS round, coalesce(s.subject || E'\\n', '') || coalesce(s.text, '') AS text
FROM dispatcher.sandbox s
JOIN dispatcher.attempts a ON a.touch_id = s.touch_id AND a.id = s.attempt_id
LEFT JOIN lives v ON v.id = s.person_id ORDER BY s.at, s.id
""")
_FATES = text("""
SELECT 'enrollment' AS what, id, state, end_reason AS reason FROM scheduler.enrollments
UNION ALL
SELECT 'touch', id, state, reason FROM scheduler.touches
UNION ALL
SELECT 'lead', l.id,
  CASE WHEN EXISTS (SELECT FROM scheduler.enrollments e WHERE e.lead_id = l.id) THEN 'enrolled'
       WHEN j.what IS NOT NULL THEN j.what
       WHEN r.duplicate_of IS NOT NULL THEN 'merged' ELSE 'forgotten' END,
  coalesce(j.why ->> 'reason', r.reason, 'captured')
FROM people.leads l
LEFT JOIN LATERAL (SELECT what, why FROM scheduler.journal
  WHERE lead_id = l.id AND what = 'not enrolled' ORDER BY id LIMIT 1) j ON true
LEFT JOIN LATERAL (SELECT reason, duplicate_of FROM intake.import_rows
  WHERE lead_id = l.id ORDER BY number LIMIT 1) r ON true
UNION ALL
SELECT 'message', id, state, error FROM messaging.dead
""")
_TOUCHES = text("""
SELECT t.id, t.enrollment_id, t.lead_id, t.channel, t.state, t.step, t.reason, t.settled_at,
  t.wanted_at, t.call_result, t.trace, e.anchor
FROM scheduler.touches t JOIN scheduler.enrollments e ON e.id = t.enrollment_id ORDER BY t.id
""")
_INTENTS = text("""
SELECT intent, count(*) AS number, count(*) FILTER (WHERE opt_out) AS opt_outs
FROM replies.messages WHERE direction = 'inbound' GROUP BY intent ORDER BY number DESC, intent
""")
_LISTED = text("""
SELECT count(DISTINCT hash) FROM suppression.list WHERE lifted_at IS NULL
""")
_BOOKED = text("""
SELECT count(*) FROM people.leads WHERE attributes #>> '{appointment,state}' = 'booked'
""")
_ENDS = text("""
SELECT sequence, state, end_reason, count(*) AS number FROM scheduler.enrollments
GROUP BY 1, 2, 3 ORDER BY 1, number DESC
""")
_PROGRESS = text("""
SELECT count(*) AS every, count(*) FILTER (WHERE state IN ('halted', 'completed')) AS ended
FROM scheduler.enrollments
""")
_REFUSALS = text("""
SELECT reason, count(*) AS number FROM intake.import_rows WHERE verdict = 'reject'
GROUP BY reason ORDER BY number DESC, reason
""")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody the file came to, with every address of theirs."""

    human: Human
    addresses: tuple[str, ...]


class Records:
    """Reads; writes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def people(self) -> list[Person]:
        """Everybody, with what they have said about consent so far."""
        async with self._database.transaction() as tx:
            words: dict[UUID, list[Word]] = defaultdict(list)
            for row in await tx.all(_WORDS):
                words[row["person_id"]].append(Word(row["at"], row["channel"], row["state"]))
            return [
                Person(
                    Human(
                        id=row["id"],
                        country=row["country"],
                        state=row["state"],
                        postal_code=row["postal_code"],
                        phones=tuple(row["phones"]),
                        asked=row["asked"],
                        words=tuple(words[row["id"]]),
                    ),
                    (*row["phones"], *row["emails"]),
                )
                for row in await tx.all(_PERSONS)
            ]

    async def lives(self) -> dict[UUID, UUID]:
        """Every id a person was ever known by → the one they have now."""
        return {row["id"]: row["now"] for row in await self._rows(_LIVES)}

    async def sendings(self) -> list[Sending]:
        """What went out."""
        return [Sending(**row) for row in await self._rows(_SENDINGS)]

    async def fates(self) -> list[Fate]:
        """Where everything has come to."""
        return [Fate(**row) for row in await self._rows(_FATES)]

    async def touches(self) -> list[dict[str, Any]]:
        """Touches with their traces."""
        return await self._rows(_TOUCHES)

    async def intents(self) -> list[dict[str, Any]]:
        """Replies by what they were read as."""
        return await self._rows(_INTENTS)

    async def endings(self) -> list[dict[str, Any]]:
        """How enrollments ended, by sequence."""
        return await self._rows(_ENDS)

    async def refusals(self) -> list[dict[str, Any]]:
        """Rows of the file that became no lead, by reason."""
        return await self._rows(_REFUSALS)

    async def opt_outs(self) -> int:
        """Addresses on the suppression list."""
        return int(await self._one(_LISTED))

    async def bookings(self) -> int:
        """Leads with an appointment."""
        return int(await self._one(_BOOKED))

    async def progress(self) -> tuple[int, int]:
        """(ended, all) enrollments."""
        (row,) = await self._rows(_PROGRESS)
        return row["ended"], row["every"]

    async def _rows(self, statement: Any) -> list[dict[str, Any]]:
        async with self._database.transaction() as tx:
            return [dict(row) for row in await tx.all(statement)]

    async def _one(self, statement: Any) -> Any:
        async with self._database.transaction() as tx:
            return await tx.scalar(statement)


def calls_of(ends: Mapping[UUID, tuple[str, datetime]], sendings: list[Sending]) -> list[PhoneCall]:
    """How calls ended by the word of the telephones: touch → (result, when)."""
    return [
        PhoneCall(sending.enrollment_id, *ends[sending.touch_id])
        for sending in sendings
        if sending.touch_id in ends
    ]
