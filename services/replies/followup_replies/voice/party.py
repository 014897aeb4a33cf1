"""Who is at the other end of a call, as far as it matters what the call says."""

from dataclasses import dataclass
from uuid import UUID

from followup_database import Database
from followup_directory import Account, tenants_by_id
from followup_people import PersonView, person_at, persons_by_id
from followup_policy.zones import Place, whereabouts
from followup_replies.addresses import bare
from followup_replies.core.recording import must_ask


@dataclass(frozen=True, slots=True)
class Party:
    """The business, the person's first name if it is known, and whether to ask them."""

    business: str
    name: str
    ask_to_record: bool


async def party(
    database: Database, account: Account, *, number: str, person_id: UUID | None
) -> Party:
    """Look up who it is: by the id that was planted, else by the number."""
    phone = bare("voice", number)
    async with database.transaction() as tx:
        tenant = (await tenants_by_id(tx, [account.tenant_id])).get(account.tenant_id)
        person = None
        if person_id is not None:
            person = (await persons_by_id(tx, [person_id])).get(person_id)
        if person is None or person.tenant_id != account.tenant_id:
            person = await person_at(tx, account.tenant_id, "phone", phone)
    return Party(
        business=tenant.settings.business_name if tenant else "",
        name=_name(person),
        ask_to_record=_asks(phone, person),
    )


def _name(person: PersonView | None) -> str:
    return (person.first_name or "") if person is not None else ""


def _asks(phone: str, person: PersonView | None) -> bool:
    stated = dict(person.place) if person is not None else {}
    return must_ask(whereabouts(Place(phone=phone or None, **stated)).jurisdictions)
