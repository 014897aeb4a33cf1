"""What a stop, a start or a call for help is answered with: once, at once, without marketing.

Some vendors send what their webhook is answered with, some have answered before they tell
us. For the others it leaves as a message of its own.
"""

import re
from datetime import timedelta
from uuid import UUID

from followup_contracts.events import MessageWritten
from followup_database import Transaction, new_id
from followup_directory import Written, put_templates, tenants_by_id
from followup_messaging.outbox import Outbox
from followup_people import PersonView
from followup_policy.wording import literal
from followup_replies.core.reading import Reading
from followup_replies.store import messages
from followup_replies.store.messages import NewMessage
from followup_replies.words import said, words_of

APART = timedelta(minutes=10)
"""How long the same answer is not given to a person again."""
STOPS_APART = timedelta(days=1)
"""How long the stop of somebody unknown is not confirmed to the same address again."""
STRANGERS = 100
"""How many answers to people nobody knows a tenant pays for within `STRANGERS_WITHIN`: few stop
whom no lead was ever made of, and anybody may write from any number, dear ones included."""
STRANGERS_WITHIN = timedelta(hours=1)
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
"""What can be called back (E.164): no short code, and no name that stands for a sender."""


async def confirmation(
    tx: Transaction, tenant_id: UUID, reading: Reading, person: PersonView | None
) -> str | None:
    """The words for what was read, in the person's language; None where none are owed."""
    words = words_of(person.language if person else None)
    match reading.keyword:
        case _ if reading.opt_out:
            text = words.stopped
        case "start":
            text = words.started
        case "help":
            text = words.help
        case _:
            return None
    tenant = (await tenants_by_id(tx, [tenant_id])).get(tenant_id)
    return said(text, business=tenant.settings.business_name if tenant else "")


async def braked(tx: Transaction, message: NewMessage) -> bool:
    """Whether a message of somebody unknown is left without its answer, whichever way that goes.

    What they said holds all the same. Of messages that come at one moment a few more than that
    may be answered.
    """
    if message.lead_id is not None or message.answer is None:
        return False
    apart = STOPS_APART if message.opt_out else APART
    if await messages.stranger_answered(tx, message, since=message.at - apart):
        return True
    lately = message.at - STRANGERS_WITHIN
    before = await messages.strangers_answered(tx, message, since=lately, most=STRANGERS)
    return before >= STRANGERS


async def send(tx: Transaction, outbox: Outbox, message: NewMessage) -> None:
    """Have a message's answer sent from the number it came to, to where it came from.

    Of whom nothing is known a stop is confirmed and nothing else answered: what they said holds
    all the same. Help and starts are not answered so again within minutes: two machines would
    go on for ever.
    """
    if message.answer is None:
        return
    if message.person_id is None or message.lead_id is None:
        if message.opt_out and _NUMBER.fullmatch(message.address):
            # Whoever it is, they have no ids; the message's stands for them.
            await _write(tx, outbox, message, id_=message.id, lead=message.id, person=message.id)
        else:
            await messages.leave_unanswered(tx, message.tenant_id, message.id)
        return
    if not message.opt_out and await messages.answered_so(
        tx, message.tenant_id, message.person_id, message.id, message.at - APART
    ):
        await messages.leave_unanswered(tx, message.tenant_id, message.id)
        return
    await _write(tx, outbox, message, id_=new_id(), lead=message.lead_id, person=message.person_id)


async def _write(
    tx: Transaction, outbox: Outbox, message: NewMessage, *, id_: UUID, lead: UUID, person: UUID
) -> None:
    words = Written(
        text=literal(message.answer or ""),
        account_id=message.account_id,
        sender=message.our_address,
        address=message.address,
        stranger=True,  # there and nowhere else: the person's other numbers have said nothing
        confirms="stop" if message.opt_out else "request",
        answers=message.id,
    )
    (template,) = await put_templates(
        tx,
        message.tenant_id,
        [(message.channel, words.body())],
        person_id=person,
    )
    event = MessageWritten(
        message_id=id_,
        lead_id=lead,
        person_id=person,
        channel=message.channel,
        template=template,
        confirms=True,
        at=tx.now,
    )
    await outbox.add(
        tx,
        [outbox.message(event, tenant_id=message.tenant_id, subject=event.message_id, time=tx.now)],
    )
