"""Consent: a history that only grows, and what follows from it.

The latest statement wins, of `yes` and `no` at the same moment the `no`. `unknown`
states nothing: it is kept as evidence and changes nothing. `any` counts for each
channel, unless that channel has a later word of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from followup_contracts.payload import CHANNELS, Channel
from followup_database import Transaction, new_id
from followup_people.records import ConsentChannel, ConsentState

_LOCK = text("""
    SELECT id FROM people.persons WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR UPDATE
""")
_INSERT = text("""
    INSERT INTO people.consents
        (id, tenant_id, person_id, channel, state, wording, method, source, page, ip,
         user_agent, at)
    SELECT r.*
    FROM unnest(CAST(:id AS uuid[]), CAST(:tenant_id AS uuid[]), CAST(:person_id AS uuid[]),
        CAST(:channel AS text[]), CAST(:state AS text[]), CAST(:wording AS text[]),
        CAST(:method AS text[]), CAST(:source AS text[]), CAST(:page AS text[]),
        CAST(:ip AS text[]), CAST(:user_agent AS text[]), CAST(:at AS timestamptz[])) AS r
""")
_COLUMNS = (
    "tenant_id",
    "person_id",
    "channel",
    "state",
    "wording",
    "method",
    "source",
    "page",
    "ip",
    "user_agent",
    "at",
)
_SETTLE = text("""
    UPDATE people.persons p SET consent = latest.consent
    FROM (
        SELECT person_id,
            jsonb_object_agg(channel, jsonb_build_object('state', state, 'at', at)) AS consent
        FROM (
            SELECT DISTINCT ON (person_id, channel) person_id, channel, state, at
            FROM people.consents
            WHERE person_id = ANY(CAST(:ids AS uuid[])) AND state <> 'unknown'
            ORDER BY person_id, channel, at DESC, state
        ) AS each
        GROUP BY person_id
    ) AS latest
    WHERE p.id = latest.person_id AND p.consent IS DISTINCT FROM latest.consent
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentStatement:
    """What somebody said, ticked or sent about being contacted, and how that is known."""

    tenant_id: UUID
    person_id: UUID
    channel: ConsentChannel
    state: ConsentState
    at: datetime
    wording: str | None = None
    method: str | None = None
    source: str | None = None
    page: str | None = None
    ip: str | None = None
    user_agent: str | None = None


async def record_consent(tx: Transaction, statements: Sequence[ConsentStatement]) -> None:
    """Keep these statements and let each person's consent follow from all of theirs.

    Persons are locked first, in key order: of two statements at once neither is
    overlooked. Order and repetition don't matter.
    """
    if not statements:
        return
    ids = list({statement.person_id for statement in statements})
    await tx.all(_LOCK, ids=ids)
    await keep_consent(tx, statements)
    await settle_consent(tx, ids)


async def keep_consent(tx: Transaction, statements: Sequence[ConsentStatement]) -> None:
    """Add to the history alone."""
    if statements:
        columns = {name: [getattr(each, name) for each in statements] for name in _COLUMNS}
        await tx.run(_INSERT, id=[new_id() for _ in statements], **columns)


async def settle_consent(tx: Transaction, person_ids: Sequence[UUID]) -> None:
    """Make the consent of persons, locked by the caller, follow from their history."""
    await tx.run(_SETTLE, ids=list(person_ids))


def latest(statements: Sequence[ConsentStatement]) -> dict[ConsentChannel, dict[str, Any]]:
    """What follows from statements that are somebody's whole history, as it is stored."""
    stated = [s for s in statements if s.state != "unknown"]
    winners: dict[ConsentChannel, ConsentStatement] = {}
    for statement in sorted(stated, key=lambda s: (s.at, s.state == "no")):
        winners[statement.channel] = statement
    return {channel: {"state": s.state, "at": s.at} for channel, s in winners.items()}


def effective(stored: Mapping[str, Mapping[str, Any]]) -> dict[Channel, ConsentState]:
    """The state for each channel, from what is stored with a person."""
    whole = stored.get("any")
    return {channel: _state(stored.get(channel), whole) for channel in CHANNELS}


def _state(own: Mapping[str, Any] | None, whole: Mapping[str, Any] | None) -> ConsentState:
    said = [statement for statement in (own, whole) if statement is not None]
    if not said:
        return "unknown"
    if len(said) == 1:
        return _read(said[0])
    return _read(max(said, key=lambda s: (_moment(s["at"]), s["state"] == "no")))


def _read(statement: Mapping[str, Any]) -> ConsentState:
    # Whatever is neither yes nor no is not known: the rules then do the least.
    match statement["state"]:
        case "yes":
            return "yes"
        case "no":
            return "no"
        case _:
            return "unknown"


def _moment(value: Any) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)
