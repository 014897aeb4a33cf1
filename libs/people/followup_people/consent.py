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
    SELECT id FROM people.persons WHERE id = ANY(CAST(:ids AS uuid[]))
    ORDER BY id FOR NO KEY UPDATE
""")
_COLUMNS = (
    "tenant_id",
    "person_id",
    "lead_id",
    "channel",
    "state",
    "purpose",
    "seller",
    "wording",
    "method",
    "source",
    "page",
    "ip",
    "user_agent",
    "jurisdiction",
    "at",
    "confirmed_at",
)
_TYPES = {
    "tenant_id": "uuid",
    "person_id": "uuid",
    "lead_id": "uuid",
    "at": "timestamptz",
    "confirmed_at": "timestamptz",
}
# Addresses travel as one text each: an array of arrays must be rectangular.
_INSERT = text(f"""
    INSERT INTO people.consents (id, addresses, wording_hash, {", ".join(_COLUMNS)})
    SELECT r.id, string_to_array(r.addresses, ' '), sha256(convert_to(r.wording, 'UTF8')),
        {", ".join(f"r.{name}" for name in _COLUMNS)}
    FROM unnest(CAST(:id AS uuid[]), CAST(:addresses AS text[]),
        {", ".join(f"CAST(:{name} AS {_TYPES.get(name, 'text')}[])" for name in _COLUMNS)})
        AS r(id, addresses, {", ".join(_COLUMNS)})
""")
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
_HISTORY = text("""
    SELECT to_jsonb(c) - 'tenant_id' - 'wording_hash'
        || jsonb_build_object('wording_sha256', encode(wording_hash, 'hex')) AS row
    FROM people.consents c
    WHERE tenant_id = :tenant_id AND person_id = :person ORDER BY at, id
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentStatement:
    """What somebody said, ticked or sent about being contacted, and how that is known.

    With `wording` its hash is kept, to show that it is the one of that time. `addresses`
    are those it was given for; `seller` is who may contact them, `purpose` what for;
    `confirmed_at` when it was said a second time (double opt-in); `jurisdiction` whose
    rules it was asked under.
    """

    tenant_id: UUID
    person_id: UUID
    channel: ConsentChannel
    state: ConsentState
    at: datetime
    lead_id: UUID | None = None
    purpose: str = "marketing"
    seller: str | None = None
    addresses: tuple[str, ...] = ()
    jurisdiction: str | None = None
    confirmed_at: datetime | None = None
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
        await tx.run(
            _INSERT,
            id=[new_id() for _ in statements],
            addresses=[" ".join(each.addresses) for each in statements],
            **columns,
        )


async def consent_history(
    tx: Transaction, tenant_id: UUID, person_id: UUID
) -> list[dict[str, Any]]:
    """Every statement about a person, oldest first, in JSON values: the proof of each."""
    return [row["row"] for row in await tx.all(_HISTORY, tenant_id=tenant_id, person=person_id)]


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
    if stored.keys() <= {"any"}:  # no channel has a word of its own, as most have none
        return dict.fromkeys(CHANNELS, _state(None, whole))
    return {channel: _state(stored.get(channel), whole) for channel in CHANNELS}


def refused(
    stored: Mapping[str, Mapping[str, Any]], refused_at: datetime | None
) -> dict[Channel, datetime]:
    """The channels a refusal still speaks for: all but those agreed to after it."""
    if refused_at is None:
        return {}
    whole = stored.get("any")
    words = {channel: _word(stored.get(channel), whole) for channel in CHANNELS}
    return {
        channel: refused_at
        for channel, word in words.items()
        if word is None or _read(word) != "yes" or _moment(word["at"]) <= refused_at
    }


def _state(own: Mapping[str, Any] | None, whole: Mapping[str, Any] | None) -> ConsentState:
    word = _word(own, whole)
    return "unknown" if word is None else _read(word)


def _word(
    own: Mapping[str, Any] | None, whole: Mapping[str, Any] | None
) -> Mapping[str, Any] | None:
    """The one that counts of a channel's own statement and that for all."""
    if own is None:
        return whole
    said = [statement for statement in (own, whole) if statement is not None]
    return max(said, key=lambda s: (_moment(s["at"]), s["state"] == "no"), default=None)


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
