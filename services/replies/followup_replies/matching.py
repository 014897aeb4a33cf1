"""Whose message it is, and which of our touches it answers.

A signed reply address comes first, then the letter it answers, whose Message-ID holds our
attempt: both whatever address the answer was written from. Then who is at the address, and
what last went to them, from the number or mailbox they wrote to if anything did. Several
conversations are told apart by nothing else, so that is noted as a guess.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from followup_contracts.payload import Channel
from followup_database import Transaction
from followup_directory import Account
from followup_people import PersonView, leads_of_persons, person_at, persons_by_id
from followup_replies.addresses import kind_of, match_key
from followup_replies.core.mail import answered, attempt_named
from followup_replies.states import TouchIds
from followup_replies.store import sent


@dataclass(frozen=True, slots=True)
class Matched:
    """Who wrote, and about what; nobody when the address is a stranger's."""

    person: PersonView | None
    lead_id: UUID | None = None
    enrollment_id: UUID | None = None
    touch_id: UUID | None = None
    guessed: bool = False
    """Whether it is the latest of several conversations, any of which may be meant."""

    @property
    def person_id(self) -> UUID | None:
        """The person's id."""
        return None if self.person is None else self.person.id


async def match(
    tx: Transaction,
    account: Account,
    channel: Channel,
    address: str,
    *,
    ours: str,
    headers: Mapping[str, str],
    named: UUID | None = None,
) -> Matched:
    """Find the person behind a message to `ours`, with the touch they most likely answer.

    `named` is the attempt that the address they wrote to names, if it is a signed one.
    """
    answers = await _answered(tx, account, headers, named) if channel == "email" else None
    if answers is not None:
        person = (await persons_by_id(tx, [answers.person_id])).get(answers.person_id)
        if person is not None:
            return _about(person, answers)
    person = await person_at(tx, account.tenant_id, kind_of(channel), match_key(channel, address))
    if person is None:
        return Matched(None)
    latest = await sent.latest(
        tx, account.tenant_id, [person.id, *person.former], channel, ours=ours
    )
    if latest is not None:
        touch, several = latest
        return replace(_about(person, touch), guessed=several)
    leads = (await leads_of_persons(tx, [person.id])).get(person.id, [])
    return Matched(person, leads[0].id if leads else None, guessed=len(leads) > 1)


async def _answered(
    tx: Transaction, account: Account, headers: Mapping[str, str], named: UUID | None
) -> TouchIds | None:
    """The touch whose letter is answered, by its own address, or the Message-IDs named."""
    if named is not None:
        found = await sent.among(tx, account.tenant_id, account.id, attempts=[named], refs=[])
        if found is not None:
            return found
    refs = answered({name.lower(): value for name, value in headers.items()})
    if not refs:
        return None
    attempts = [attempt for ref in refs if (attempt := attempt_named(ref)) is not None]
    bare = [ref.strip("<>") for ref in refs]
    return await sent.among(
        tx, account.tenant_id, account.id, attempts=attempts, refs=[*refs, *bare]
    )


def _about(person: PersonView, touch: TouchIds) -> Matched:
    return Matched(person, touch.lead_id, touch.enrollment_id, touch.touch_id)
