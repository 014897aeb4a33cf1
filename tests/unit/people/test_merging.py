from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from followup_people.consent import ConsentStatement, effective, latest
from followup_people.merging import Portrait, clusters, fill
from followup_people.records import NewLead

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)
TENANTS = st.sampled_from([UUID(int=1), UUID(int=2)])
PHONES = st.one_of(st.none(), st.integers(0, 5).map(str))
EMAILS = st.one_of(st.none(), st.integers(0, 5).map(lambda n: f"{n}@example.com"))


@st.composite
def batches(draw):
    """Leads of few addresses, so that they meet, and owners of some of those."""
    leads = [
        NewLead(
            tenant_id=draw(TENANTS),
            lead_id=UUID(int=100 + index),
            person_id=UUID(int=200 + index),
            source="web_form",
            received_at=NOON,
            phone_e164=draw(PHONES),
            email=draw(EMAILS),
        )
        for index in range(draw(st.integers(0, 10)))
    ]
    keys = sorted({key for lead in leads for key in lead.match_keys()})
    people = st.one_of(st.none(), st.integers(1, 3))
    drawn = {key: draw(people) for key in keys}
    # Persons belong to one tenant.
    owners = {
        key: UUID(int=300 + number * 10 + key[0].int)
        for key, number in drawn.items()
        if number is not None
    }
    return leads, owners


def division(leads, owners):
    return {
        frozenset(leads[member].lead_id for member in cluster.members)
        for cluster in clusters(leads, owners)
    }


@given(batches(), st.randoms(use_true_random=False))
def test_the_division_is_the_same_for_every_order(batch, random):
    """Who is whom depends on addresses, not on who came first."""
    leads, owners = batch
    shuffled = random.sample(leads, len(leads))
    assert division(shuffled, owners) == division(leads, owners)


@given(batches())
def test_each_lead_is_in_one_cluster_and_clusters_share_nothing(batch):
    """No address and no known person is in two clusters; tenants never mix."""
    leads, owners = batch
    found = clusters(leads, owners)
    assert sorted(m for cluster in found for m in cluster.members) == list(range(len(leads)))
    for one in found:
        assert len({leads[m].tenant_id for m in one.members}) == 1
        for other in found:
            if one is not other:
                assert not one.keys & other.keys
                assert not one.known & other.known


@given(batches())
def test_leads_are_together_only_if_a_chain_links_them(batch):
    """Within a cluster every lead is reached from the first by shared keys or persons."""
    leads, owners = batch
    for cluster in clusters(leads, owners):
        names = {
            m: set(leads[m].match_keys())
            | {owners[key] for key in leads[m].match_keys() if key in owners}
            for m in cluster.members
        }
        reached, grown = {cluster.members[0]}, True
        while grown:
            near = {m for m in names if any(names[m] & names[r] for r in reached)} | reached
            grown, reached = near != reached, near
        assert reached == set(cluster.members)


TEXTS = st.one_of(st.none(), st.sampled_from(["", "a", "A", "b"]))
PORTRAITS = st.builds(
    Portrait,
    audience=st.sampled_from(["b2b", "b2c"]),
    first_name=TEXTS,
    last_name=TEXTS,
    language=TEXTS,
    country=TEXTS,
    state=TEXTS,
    city=TEXTS,
    attributes=st.dictionaries(st.sampled_from("xy"), st.integers(0, 1)),
)


@given(PORTRAITS, PORTRAITS)
def test_filling_overwrites_nothing_and_is_done_once(known, more):
    """What was known is still there, and the same again changes nothing."""
    filled = fill(known, more)
    for name in ("audience", "first_name", "last_name", "language", "country", "state", "city"):
        if getattr(known, name):
            assert getattr(filled, name) == getattr(known, name)
    assert known.attributes.items() <= filled.attributes.items()
    assert fill(filled, more) == filled


def test_a_place_is_not_pieced_together_from_two():
    """A postal code of Britain does not fill an address in Texas."""
    known = Portrait(audience="b2c", country="US", state="TX")
    more = Portrait(audience="b2c", country="GB", postal_code="SW1A 1AA", city="London")
    assert fill(known, more) == known


def test_a_surname_does_not_come_from_somebody_elses_name():
    """Two who share a phone share no names."""
    known = Portrait(audience="b2c", first_name="Pat")
    assert fill(known, Portrait(audience="b2c", first_name="Jo", last_name="Doe")) == known


STATEMENTS = st.lists(
    st.builds(
        ConsentStatement,
        tenant_id=st.just(UUID(int=1)),
        person_id=st.just(UUID(int=2)),
        channel=st.sampled_from(["sms", "email", "voice", "any"]),
        state=st.sampled_from(["yes", "no", "unknown"]),
        at=st.integers(0, 3).map(lambda minute: NOON + timedelta(minutes=minute)),
    ),
    max_size=8,
)


@given(STATEMENTS, st.randoms(use_true_random=False))
def test_consent_does_not_depend_on_the_order_of_statements(statements, random):
    """Late and repeated statements come to the same."""
    shuffled = random.sample(statements, len(statements)) + statements[:1]
    assert latest(shuffled) == latest(statements)


@given(STATEMENTS)
def test_the_last_word_on_a_channel_counts_and_a_no_wins_a_tie(statements):
    """For each channel: the latest of its own statements and those for any."""
    found = effective(latest(statements))
    for channel, state in found.items():
        words = [s for s in statements if s.channel in {channel, "any"} and s.state != "unknown"]
        if not words:
            assert state == "unknown"
            continue
        last = max(s.at for s in words)
        states = {s.state for s in words if s.at == last}
        assert state == ("no" if "no" in states else "yes")
