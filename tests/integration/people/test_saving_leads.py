import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from followup_contracts.channels import CHANNELS
from followup_database import new_id
from followup_database.engine import Database
from followup_people import (
    ConsentStatement,
    NewLead,
    hear,
    leads_by_external_id,
    leads_by_id,
    leads_of_persons,
    mark_contact_point,
    note_refusal,
    person_by_address,
    persons_by_id,
    record_consent,
    same_person,
    set_appointment,
    set_lead_state,
    update_lead,
    update_person,
    upsert_leads,
    views,
)

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
TENANT = UUID(int=7)


def lead(minute: int = 0, **given) -> NewLead:
    defaults = {
        "tenant_id": TENANT,
        "lead_id": new_id(),
        "person_id": new_id(),
        "source": "web_form",
        "received_at": NOON + timedelta(minutes=minute),
    }
    return NewLead(**(defaults | given))


def phone(number: int) -> str:
    return f"+1202555{number:04}"


async def save(database: Database, *drafts: NewLead):
    async with database.transaction() as tx:
        return await upsert_leads(tx, drafts)


@pytest.fixture
def worker(databases) -> Database:
    return databases.worker


async def test_a_lead_of_nobody_known_makes_a_person(worker):
    """Everything given is there again, in one view."""
    draft = lead(
        first_name="Pat",
        last_name="Smith",
        phone_e164=phone(100),
        email="Pat@example.com",
        email_match_key="pat@example.com",
        country="US",
        state="TX",
        need="roof",
        value=Decimal("1200.50"),
        currency="USD",
        external_id="crm-1",
        attributes={"budget": "high"},
        consent="yes",
        consent_wording="Text me",
    )
    [saved] = await save(worker, draft)
    assert (saved.lead_id, saved.person_id) == (draft.lead_id, draft.person_id)
    assert (saved.new_person, saved.merged, saved.duplicate_of_lead) == (True, False, None)
    async with worker.transaction() as tx:
        person, enquiry = (await views(tx, [(saved.lead_id, saved.person_id)]))[saved.lead_id]
        assert await leads_by_external_id(tx, TENANT, ["crm-1"]) == {"crm-1": enquiry}
    assert (person.first_name, person.place["state"]) == ("Pat", "TX")
    assert [point.address for point in person.phones] == [phone(100)]
    assert [point.address for point in person.emails] == ["Pat@example.com"]
    assert person.consent == dict.fromkeys(CHANNELS, "yes")
    assert (enquiry.need, enquiry.value, enquiry.state) == ("roof", Decimal("1200.50"), "open")
    assert enquiry.attributes == {"budget": "high"}
    assert enquiry.received_at == NOON


async def test_one_more_enquiry_of_a_known_person_is_a_lead_of_theirs(worker):
    """Blanks are filled, what was known stays, and the new address is theirs too."""
    [first] = await save(worker, lead(first_name="Pat", phone_e164=phone(100)))
    [second] = await save(
        worker,
        lead(
            5,
            first_name="Patrick",
            language="es",
            phone_e164=phone(100),
            email="pat@example.com",
        ),
    )
    assert second.person_id == first.person_id
    assert (second.new_person, second.merged) == (False, True)
    assert second.lead_id != first.lead_id
    async with worker.transaction() as tx:
        person = (await persons_by_id(tx, [first.person_id]))[first.person_id]
        enquiries = (await leads_of_persons(tx, [first.person_id]))[first.person_id]
    assert (person.first_name, person.language) == ("Pat", "es")
    assert [point.address for point in person.emails] == ["pat@example.com"]
    assert [e.id for e in enquiries] == [second.lead_id, first.lead_id]


async def test_leads_of_one_batch_are_linked_through_each_other(worker):
    """A chain of shared addresses is one person, whatever stands between them."""
    a = lead(phone_e164=phone(1))
    b = lead(email="b@example.com")
    c = lead(phone_e164=phone(1), email="b@example.com")
    other = lead(phone_e164=phone(2))
    saved = await save(worker, a, b, other, c)
    assert [s.person_id for s in saved] == [a.person_id, a.person_id, other.person_id, a.person_id]
    assert [s.new_person for s in saved] == [True, False, True, False]
    assert [s.merged for s in saved] == [False, True, False, True]


async def test_a_lead_that_links_two_known_persons_merges_the_younger(worker):
    """Addresses, leads and consents move; the old id still leads to the person."""
    [younger] = await save(
        worker, lead(9, email="x@example.com", city="Austin", consent="no", consent_method="form")
    )
    [older] = await save(worker, lead(1, phone_e164=phone(3), first_name="Pat", consent="yes"))
    [link] = await save(worker, lead(10, phone_e164=phone(3), email="x@example.com"))
    assert link.person_id == older.person_id
    assert link.absorbed == (younger.person_id,)
    async with worker.transaction() as tx:
        found = await persons_by_id(tx, [older.person_id, younger.person_id])
        enquiries = await leads_of_persons(tx, [older.person_id, younger.person_id])
        same = await same_person(tx, [older.person_id, younger.person_id])
        of_email = await person_by_address(tx, TENANT, "email", "x@example.com")
    person = found[older.person_id]
    assert found[younger.person_id] == person
    assert (person.id, person.first_name, person.place["city"]) == (
        older.person_id,
        "Pat",
        "Austin",
    )
    assert set(person.consent.values()) == {"no"}
    assert {e.id for e in enquiries[older.person_id]} == {
        younger.lead_id,
        older.lead_id,
        link.lead_id,
    }
    both = frozenset({older.person_id, younger.person_id})
    assert same == {older.person_id: both, younger.person_id: both}
    assert of_email == older.person_id


async def test_a_refusal_stays_with_the_human(worker):
    """The latest counts, under an id of before a merge too; agreeing to a channel answers it."""
    [younger] = await save(worker, lead(9, email="y@example.com", consent="yes"))
    [older] = await save(worker, lead(1, phone_e164=phone(8)))
    hour = timedelta(hours=1)

    async def refuse(person_id, at, tenant_id=TENANT):
        async with worker.transaction() as tx:
            news = await note_refusal(tx, tenant_id, person_id, at=at)
            return news, (await persons_by_id(tx, [older.person_id]))[older.person_id].refused

    assert await refuse(older.person_id, NOON, UUID(int=8)) == (False, {})
    assert await refuse(older.person_id, NOON) == (True, dict.fromkeys(CHANNELS, NOON))
    assert await refuse(younger.person_id, NOON + hour) == (True, dict.fromkeys(CHANNELS, NOON))
    await save(worker, lead(10, phone_e164=phone(8), email="y@example.com"))
    late = dict.fromkeys(CHANNELS, NOON + hour)
    assert await refuse(younger.person_id, NOON) == (False, late)
    newest = dict.fromkeys(CHANNELS, NOON + 2 * hour)
    assert await refuse(younger.person_id, NOON + 2 * hour) == (True, newest)
    said = {"tenant_id": TENANT, "person_id": older.person_id, "state": "yes"}
    async with worker.transaction() as tx:
        words = [("sms", 2 * hour), ("voice", 3 * hour)]
        await record_consent(
            tx, [ConsentStatement(channel=c, at=NOON + after, **said) for c, after in words]
        )
        person = (await persons_by_id(tx, [older.person_id]))[older.person_id]
    assert set(person.refused) == set(CHANNELS) - {"voice"}


async def test_merges_of_merges_lead_to_the_survivor(worker):
    """However often a person is merged, every id leads straight to who is left."""
    people = [
        (await save(worker, lead(n, phone_e164=phone(n), email=f"{n}@example.com")))[0].person_id
        for n in range(4)
    ]
    for one, other in ((3, 2), (2, 1), (1, 0)):
        await save(worker, lead(20, phone_e164=phone(one), email=f"{other}@example.com"))
    async with worker.transaction() as tx:
        found = await persons_by_id(tx, people)
        same = await same_person(tx, [people[2]])
    assert {person.id for person in found.values()} == {people[0]}
    assert same[people[2]] == frozenset(people)


async def test_the_same_lead_again_is_not_saved_again(worker):
    """By its own id or its external one, before or within the batch."""
    draft = lead(phone_e164=phone(4), external_id="crm-4")
    twin = lead(phone_e164=phone(4), external_id="crm-4")
    saved = await save(worker, draft, twin)
    again = await save(worker, draft, lead(email="n@example.com", external_id="crm-4"))
    assert [s.duplicate_of_lead for s in saved] == [None, draft.lead_id]
    assert [s.duplicate_of_lead for s in again] == [draft.lead_id] * 2
    assert {s.person_id for s in (*saved, *again)} == {draft.person_id}
    async with worker.transaction() as tx:
        assert len((await leads_of_persons(tx, [draft.person_id]))[draft.person_id]) == 1
        assert await person_by_address(tx, TENANT, "email", "n@example.com") is None


async def test_tenants_never_share_a_person(worker):
    """The same number is another human's at another tenant."""
    one = lead(phone_e164=phone(5))
    other = lead(phone_e164=phone(5), tenant_id=UUID(int=8))
    saved = await save(worker, one, other)
    assert [s.new_person for s in saved] == [True, True]


async def test_replicas_saving_the_same_people_at_once_make_each_once(worker):
    """Batches that overlap in every way, run against each other, agree in the end."""
    batches = [
        [
            lead(n, phone_e164=phone(n), email=f"{(n + shift) % 40}@example.com")
            for n in (range(40) if shift % 2 else reversed(range(40)))
        ]
        for shift in range(4)
    ]
    results = await asyncio.gather(*(save(worker, *batch) for batch in batches))
    async with worker.transaction() as tx:
        owners = {
            (await person_by_address(tx, TENANT, kind, key))
            for kind, key in [("phone", phone(n)) for n in range(40)]
            + [("email", f"{n}@example.com") for n in range(40)]
        }
        ids = [s.person_id for saved in results for s in saved]
        survivors = {person.id for person in (await persons_by_id(tx, ids)).values()}
        kept = await leads_of_persons(tx, list(survivors))
    assert len(survivors) == 1
    assert owners == survivors
    assert sum(map(len, kept.values())) == 160


async def test_disjoint_people_saved_at_once_stay_apart(worker):
    """Concurrency merges nobody who shares nothing."""
    batches = [[lead(phone_e164=phone(n)) for n in range(30)] for _ in range(5)]
    results = await asyncio.gather(*(save(worker, *batch) for batch in batches))
    for n in range(30):
        assert len({saved[n].person_id for saved in results}) == 1
    assert len({s.person_id for saved in results for s in saved}) == 30
    assert sum(s.new_person for saved in results for s in saved) == 30


async def test_consent_follows_from_its_whole_history(worker):
    """Statements may come late, twice and for single channels."""
    [saved] = await save(worker, lead(phone_e164=phone(6), consent="yes"))

    def says(channel, state, minute):
        return ConsentStatement(
            tenant_id=TENANT,
            person_id=saved.person_id,
            channel=channel,
            state=state,
            at=NOON + timedelta(minutes=minute),
        )

    async def consent():
        async with worker.transaction() as tx:
            return (await persons_by_id(tx, [saved.person_id]))[saved.person_id].consent

    async with worker.transaction() as tx:
        await record_consent(tx, [says("sms", "no", 5), says("sms", "yes", 3)])
    assert await consent() == dict.fromkeys(CHANNELS, "yes") | {"sms": "no"}
    async with worker.transaction() as tx:
        await record_consent(tx, [says("any", "no", 10), says("any", "unknown", 20)])
    assert set((await consent()).values()) == {"no"}
    async with worker.transaction() as tx:
        await record_consent(tx, [says("email", "yes", 30), says("any", "yes", 8)])
    assert await consent() == dict.fromkeys(CHANNELS, "no") | {"email": "yes"}


async def test_a_wrong_address_is_not_offered_and_still_recognised(worker):
    """A number marked wrong is written to no more, but a reply from it finds its person."""
    [saved] = await save(worker, lead(phone_e164=phone(7), email="w@example.com"))
    wrong = {"kind": "phone", "address": phone(7), "state": "wrong"}
    async with worker.transaction() as tx:
        assert await mark_contact_point(tx, TENANT, saved.person_id, **wrong)
        assert not await mark_contact_point(tx, TENANT, saved.person_id, **wrong)
        person = (await persons_by_id(tx, [saved.person_id]))[saved.person_id]
        assert person.phones == ()
        assert await person_by_address(tx, TENANT, "phone", phone(7)) == saved.person_id


async def test_usable_numbers_come_first_then_the_newest(worker):
    """The first of the view is the one to use."""
    await save(worker, lead(1, phone_e164=phone(1), email="o@example.com"))
    await save(worker, lead(2, phone_e164=phone(2), email="o@example.com"))
    [saved] = await save(
        worker, lead(3, phone_e164=phone(3), phone_state="possible", email="o@example.com")
    )
    async with worker.transaction() as tx:
        person = (await persons_by_id(tx, [saved.person_id]))[saved.person_id]
    assert [point.address for point in person.phones] == [phone(2), phone(1), phone(3)]


async def test_persons_and_leads_are_changed_field_by_field(worker):
    """What is not named stays; None empties; attributes are merged; other tenants can't."""
    [saved] = await save(
        worker, lead(first_name="Pat", last_name="S", phone_e164=phone(8), attributes={"a": 1})
    )
    async with worker.transaction() as tx:
        assert await update_person(
            tx, TENANT, saved.person_id, {"last_name": None, "city": "Rome", "attributes": {"v": 1}}
        )
        assert not await update_person(tx, UUID(int=9), saved.person_id, {"city": "Oslo"})
        assert await update_lead(
            tx, TENANT, saved.lead_id, {"value": "10.5", "attributes": {"b": 2}}
        )
        assert await set_lead_state(tx, TENANT, saved.lead_id, "converted")
        assert not await set_lead_state(tx, TENANT, saved.lead_id, "converted")
        assert await set_appointment(tx, TENANT, saved.lead_id, {"id": "7", "state": "booked"})
        person, enquiry = (await views(tx, [(saved.lead_id, saved.person_id)]))[saved.lead_id]
        assert await leads_by_id(tx, [saved.lead_id]) == {saved.lead_id: enquiry}
        with pytest.raises(ValueError, match="tenant_id"):
            await update_person(tx, TENANT, saved.person_id, {"tenant_id": "x"})
    assert (person.first_name, person.last_name, person.place["city"]) == ("Pat", None, "Rome")
    assert person.attributes == {"v": 1}
    assert (enquiry.value, enquiry.state) == (Decimal("10.5"), "converted")
    assert enquiry.attributes == {"a": 1, "b": 2, "appointment": {"id": "7", "state": "booked"}}


async def test_when_somebody_last_wrote_stands_with_their_address(worker):
    """A message that comes late moves nothing back; one from an address nobody knew counts
    for its person, and opens no window.
    """
    [saved] = await save(worker, lead(phone_e164=phone(17)))

    async def heard(channel, minutes, key=None):
        at = NOON + timedelta(minutes=minutes)
        async with worker.transaction() as tx:
            return await hear(
                tx, TENANT, saved.person_id, channel=channel, match_key=key or phone(17), at=at
            )

    assert await heard("whatsapp", 10)
    assert not await heard("whatsapp", 5)
    assert not await heard("whatsapp", 30, key=phone(18))
    assert await heard("sms", 20)
    assert await heard("email", 25, key="pat@elsewhere.example")
    async with worker.transaction() as tx:
        person = (await persons_by_id(tx, [saved.person_id]))[saved.person_id]
    assert person.phones[0].heard == {
        "whatsapp": NOON + timedelta(minutes=10),
        "sms": NOON + timedelta(minutes=20),
        "email": NOON + timedelta(minutes=25),
    }


async def test_a_key_reaches_its_own_tenant_alone(databases):
    """Under the API's role another tenant's people do not exist."""
    async with databases.api.transaction(tenant=TENANT) as tx:
        [saved] = await upsert_leads(tx, [lead(phone_e164=phone(9))])
    async with databases.api.transaction(tenant=UUID(int=8)) as tx:
        assert await persons_by_id(tx, [saved.person_id]) == {}
        assert await views(tx, [(saved.lead_id, saved.person_id)]) == {}
        assert not await set_lead_state(tx, TENANT, saved.lead_id, "lost")


async def test_an_empty_batch_is_nothing(worker):
    """Nothing in, nothing out."""
    assert await save(worker) == []
