"""What an erasure locks before it empties anything: contacts before attempts, in key order.

So does everybody who changes both. An erasure that met a settlement half way would have one
of the two begin anew. Somebody whom nothing was sent yet is entered to be locked, as a claim
does: one that is under way commits its attempt before the erasure goes through attempts.
"""

from collections.abc import Mapping

from followup_database import Transaction
from followup_database.personal import Subject
from followup_dispatcher import ledger, usage


async def take_hold(tx: Transaction, subject: Subject) -> Mapping[str, int]:
    """Lock what is kept about somebody, in the order of everybody else.

    Who has no row of contacts yet gets an empty one, which is counted among those emptied.
    """
    await usage.lock(tx, dict.fromkeys(subject.persons, subject.tenant_id))
    await ledger.hold(tx, subject.tenant_id, subject.persons)
    return {}
