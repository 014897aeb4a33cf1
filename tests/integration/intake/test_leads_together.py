"""Leads saved together come to what they come to one by one."""

import asyncio
import json
from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from followup_contracts.events import LeadCaptured

NDJSON = {"Content-Type": "application/x-ndjson"}
EMAILS = ("Ada@Example.com", "ada+work@example.com", "bob@example.com", "eve@example.com")
LEADS = st.lists(
    st.fixed_dictionaries(
        {
            "phone": st.none() | st.integers(0, 3).map(lambda n: f"(212) 555-01{n:02}"),
            "email": st.none() | st.sampled_from(EMAILS),
            "first_name": st.none() | st.sampled_from(["Ada", "Bob"]),
            "consent": st.none() | st.booleans(),
            "need": st.sampled_from(["roof", "gutters"]),
        }
    ),
    min_size=1,
    max_size=6,
)


def bodies(leads, repeats):
    """Leads with ids of their own, some of them sent once more."""
    named = [
        {name: value for name, value in lead.items() if value is not None}
        | {"external_id": f"crm-{number}"}
        for number, lead in enumerate(leads)
    ]
    return named + [named[index % len(named)] for index in repeats]


async def one_by_one(intake, leads):
    return [(await intake.post(json=lead)).json() for lead in leads]


async def at_once(intake, leads):
    answers = await asyncio.gather(*(intake.post(json=lead) for lead in leads))
    return [answer.json() for answer in answers]


async def as_a_batch(intake, leads):
    content = b"\n".join(json.dumps(lead).encode() for lead in leads)
    path = "/v1/leads/batch?lane=now"
    answer = await intake.post(path, content=content, headers=NDJSON)
    return [json.loads(line) for line in answer.text.splitlines()]


async def picture(intake, leads, answers):
    """What was said and what is kept, without the ids that differ from run to run."""
    verdicts = Counter(
        (lead["external_id"], told.get("verdict"), told.get("reason"), told.get("repeated"))
        for lead, told in zip(leads, answers, strict=True)
    )
    rows = await intake.rows("SELECT external_id, person_id, need, source FROM people.leads")
    people: dict[object, set[str]] = {}
    for row in rows:
        people.setdefault(row["person_id"], set()).add(row["external_id"])
    points = await intake.rows(
        "SELECT person_id, kind, match_key, state FROM people.contact_points"
    )
    persons = await intake.rows(
        "SELECT id, consent #>> '{any,state}' AS consent FROM people.persons"
        " WHERE merged_into IS NULL"
    )
    consents = await intake.rows("SELECT person_id, state, method FROM people.consents")
    names = {person: frozenset(leads) for person, leads in people.items()}
    events = [type(event).__name__ for event in await intake.events()]
    return {
        "verdicts": verdicts,
        "leads": Counter((row["external_id"], row["need"], row["source"]) for row in rows),
        "points": {(names[p["person_id"]], p["kind"], p["match_key"], p["state"]) for p in points},
        "persons": {(names[person["id"]], person["consent"]) for person in persons},
        "consents": Counter((names[c["person_id"]], c["state"], c["method"]) for c in consents),
        "events": Counter(events),
    }


async def first_names(intake):
    """Each person's first name, and those that their leads came with, by lead."""
    rows = await intake.rows(
        "SELECT p.id, p.first_name, array_agg(l.external_id) AS leads FROM people.persons p"
        " JOIN people.leads l ON l.person_id = p.id GROUP BY p.id"
    )
    return [(row["first_name"], set(row["leads"])) for row in rows]


async def forget(intake):
    async with intake.databases.worker.transaction() as tx:
        for table in ("people.leads", "people.contact_points", "people.consents"):
            await tx.run(text(f"DELETE FROM {table}"))
        for table in ("people.persons", "messaging.outbox"):
            await tx.run(text(f"DELETE FROM {table}"))


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(leads=LEADS, repeats=st.lists(st.integers(0, 7), max_size=3))
def test_leads_come_to_the_same_together_as_one_by_one(steady, leads, repeats):
    """Verdicts, leads, who is whom, addresses, consent and announcements.

    Whether they meet on a phone, an address, crosswise or by being sent twice.
    """
    sent = bodies(leads, repeats)

    async def run(way):
        await forget(steady.intake)
        answers = await way(steady.intake, sent)
        for name, said in await first_names(steady.intake):
            given_names = {lead.get("first_name") for lead in sent if lead["external_id"] in said}
            assert name in given_names or (name is None and given_names <= {None})
        return await picture(steady.intake, sent, answers)

    alone = steady.runner.run(run(one_by_one))
    assert steady.runner.run(run(as_a_batch)) == alone
    together = steady.runner.run(run(at_once))
    # Which of two that are sent at the same time is the repetition is nobody's to say.
    assert together.pop("verdicts").total() == alone.pop("verdicts").total()
    assert together == alone


async def test_batches_at_once_share_people_and_make_none_twice(intake):
    """Nobody is two persons, no lead is saved or told twice, and all are answered."""
    phones = [f"(212) 555-01{n:02}" for n in range(40)]
    emails = [f"person{n}@example.com" for n in range(40)]

    def batch(number):
        # By phone alone, by address alone, and by both, each twice and in another order.
        kind = number % 3
        order = [(n * 7 + number * 3) % 40 for n in range(40)]
        return [
            {"external_id": f"crm-{n}-{kind}", "need": "roof"}
            | ({"phone": phones[n]} if kind != 1 else {})
            | ({"email": emails[n]} if kind != 0 else {})
            for n in (order if number % 2 else order[::-1])
        ]

    async with asyncio.timeout(120):
        told = await asyncio.gather(
            *(as_a_batch(intake, batch(number)) for number in range(5)),
            at_once(intake, batch(5)),
        )
    assert all("lead_id" in one for answers in told for one in answers)
    assert len(await intake.leads()) == 120
    kinds = Counter(type(event) for event in await intake.events())
    assert kinds == {LeadCaptured: 120}
    points = await intake.rows("SELECT person_id FROM people.contact_points")
    assert list(Counter(row["person_id"] for row in points).values()) == [2] * 40
    persons = await intake.rows("SELECT id FROM people.persons WHERE merged_into IS NULL")
    assert {row["id"] for row in persons} == {row["person_id"] for row in points}
