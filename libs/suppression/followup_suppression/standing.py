"""The fence's look: everything that may stop a batch of touches, in one statement.

One statement is one snapshot. A stop that committed before it began is seen; one that
was not seen had not committed, so its answer is still to wait `ACKNOWLEDGE_AFTER`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text

from followup_contracts.payload import Channel
from followup_database import Transaction
from followup_database.engine import to_json

Look = tuple[UUID, UUID, Channel, bytes | None, UUID, UUID]
"""Touch, tenant, channel, hash of the address (None: none known), person, enrollment."""

_STANDINGS = text("""
    SELECT r.touch_id,
        EXISTS (
            SELECT FROM suppression.list l
            WHERE l.tenant_id = r.tenant_id AND l.hash = decode(r.hash, 'hex')
              AND l.channel IN (r.channel, 'all') AND l.lifted_at IS NULL
        ) AS suppressed,
        EXISTS (
            SELECT FROM suppression.holds h
            WHERE h.person_id = r.person_id AND h.tenant_id = r.tenant_id
        ) AS held,
        COALESCE((
            SELECT e.epoch FROM suppression.epochs e
            WHERE e.enrollment_id = r.enrollment_id AND e.tenant_id = r.tenant_id
        ), 0) AS epoch
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
        touch_id uuid, tenant_id uuid, channel text, hash text,
        person_id uuid, enrollment_id uuid
    )
""")


@dataclass(frozen=True, slots=True)
class Standing:
    """How a touch stands at the moment of the look.

    `suppressed`: its address is listed for its channel or for all. `held`: a reply of
    its person, or an event about them, waits for a decision. `epoch`: its enrollment's;
    a command with a lower one is superseded.
    """

    suppressed: bool
    held: bool
    epoch: int


_FREE = Standing(suppressed=False, held=False, epoch=0)


async def standings(tx: Transaction, looks: Sequence[Look]) -> dict[UUID, Standing]:
    """The standing of every touch asked for, by touch id.

    A touch may be asked about several times, under each id its person goes or went by:
    what stops it under one of them stops it.
    """
    rows = [
        {
            "touch_id": touch,
            "tenant_id": tenant,
            "channel": channel,
            "hash": None if hashed is None else hashed.hex(),
            "person_id": person,
            "enrollment_id": enrollment,
        }
        for touch, tenant, channel, hashed, person, enrollment in looks
    ]
    found: dict[UUID, Standing] = {}
    for row in await tx.all(_STANDINGS, rows=to_json(rows)):
        under = found.get(row["touch_id"], _FREE)
        found[row["touch_id"]] = Standing(
            under.suppressed or row["suppressed"],
            under.held or row["held"],
            max(under.epoch, row["epoch"]),
        )
    return found
