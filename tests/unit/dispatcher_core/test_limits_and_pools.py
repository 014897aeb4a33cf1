"""What bounds an account, by its settings and its numbers; and which number a person hears from."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup_dispatcher.core.limits import USUAL, Budget, Pace, rate_of_kind, read_limits
from followup_dispatcher.core.pool import pick
from followup_policy.caps import PastContact

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
ACCOUNT, TENANT = UUID(int=1), UUID(int=2)


def limits(now=NOW, **settings):
    return read_limits({"from": "+12025550100", **settings}).of(ACCOUNT, TENANT, now=now)


def test_settings_say_what_bounds_an_account():
    """A pace with its burst, a day, a brand until midnight Pacific, a campaign by the minute."""
    assert limits() == ()
    assert limits(rate_per_second=10, burst=3) == (Pace(f"account:{ACCOUNT}", 10.0, 3),)
    assert limits(per_day=200) == (Budget(f"account-day:{ACCOUNT}", 200, "UTC", (200,) * 7),)
    assert limits(brand={"id": "B1", "segments_per_day": 2000}) == (
        Budget(f"brand-day:{TENANT}:B1", 2000, "America/Los_Angeles", (2000,) * 7),
    )
    assert limits(campaign={"id": "C1", "segments_per_minute": 240}) == (
        Pace(f"campaign:{TENANT}:C1", 4.0),
    )


def test_an_account_that_says_no_rate_has_the_one_its_vendor_would_queue_above():
    """One call a second at Twilio; what the account says goes first."""
    usual = USUAL["twilio", "voice"]
    plain = read_limits({}).of(ACCOUNT, TENANT, now=NOW, usual=usual)
    own = read_limits({"rate_per_second": 30}).of(ACCOUNT, TENANT, now=NOW, usual=usual)
    assert [limit.per_second for limit in (*plain, *own)] == [1.0, 30.0]


def test_a_new_sender_warms_up_day_by_day():
    """Fifty on the first day, half as many again on each further one, until the day's own limit."""
    warm = {"from": "2026-03-02", "first_day": 50, "growth": 1.5}
    by_day = [
        limits(now=NOW + timedelta(days=n), warm_up=warm, per_day=200)[0].per_day for n in range(6)
    ]
    assert by_day == [50, 75, 112, 168, 200, 200]
    assert limits(warm_up=warm, per_day=200)[0].coming == (75, 112, 168, 200, 200, 200, 200)
    assert limits(now=NOW - timedelta(days=1), warm_up=warm)[0].per_day == 0
    assert limits(now=NOW + timedelta(days=100), warm_up=warm) == ()


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"rate_per_second": 0}, "rate_per_second"),
        ({"rate_per_second": "fast"}, "rate_per_second"),
        ({"burst": 0}, "burst"),
        ({"per_day": -1}, "per_day"),
        ({"day_zone": "Mars/Olympus"}, "day_zone"),
        ({"brand": {"id": "B"}}, "brand.segments_per_day"),
        ({"warm_up": {"first_day": 5}}, "warm_up.from"),
    ],
)
def test_a_limit_that_cannot_be_read_is_named(settings, named):
    """A wrong limit stops its account; it is not taken for none."""
    with pytest.raises(ValueError, match=f"^{named}: "):
        read_limits(settings)


@pytest.mark.parametrize(
    ("address", "rate"),
    [
        ("+12025550100", 1.0),
        ("+18005550100", 3.0),
        ("+18885550100", 3.0),
        ("72345", 100.0),
        ("+447700900123", None),
        ("Roofs", None),
    ],
)
def test_a_number_has_the_rate_of_its_kind(address, rate):
    """One segment a second for a long code, three toll-free, a hundred for a short code."""
    assert rate_of_kind(address) == rate


POOLS = st.sets(st.integers(1000, 1040).map(lambda n: f"+1202555{n}"), min_size=1, max_size=8)


@given(pool=POOLS, more=st.integers(2000, 2040).map(lambda n: f"+1202555{n}"), person=st.uuids())
def test_a_pool_that_grows_moves_nobody_from_one_old_number_to_another(pool, more, person):
    """A person keeps their number or gets the new one; who has heard from one keeps it."""
    old = pick(sorted(pool), person_id=person, channel="sms", history=())
    grown = pick(sorted({*pool, more}), person_id=person, channel="sms", history=())
    assert grown in (old, more)
    heard = [PastContact("t", "sms", NOW, "e:1", old)]
    assert pick(sorted({*pool, more}), person_id=person, channel="sms", history=heard) == old


def test_a_number_that_is_gone_is_replaced_and_the_newest_is_kept():
    """The last number heard from counts, as long as it is in the pool, for its channel alone."""
    person = uuid4()
    history = [
        PastContact("t1", "sms", NOW - timedelta(days=2), "e:1", "A"),
        PastContact("t2", "sms", NOW - timedelta(days=1), "e:2", "B"),
        PastContact("t3", "voice", NOW, "e:2", "C"),
    ]
    chosen = {"person_id": person, "channel": "sms", "history": history}
    assert pick(["A", "B", "C"], **chosen) == "B"
    assert pick(["A", "C"], **chosen) == "A"
    assert pick(["D"], **chosen) == "D"
    assert pick([], **chosen) is None


def test_a_pool_is_used_evenly():
    """Of a thousand persons each of four numbers gets a fair part."""
    got = [
        pick(["A", "B", "C", "D"], person_id=UUID(int=n << 64), channel="sms", history=())
        for n in range(1000)
    ]
    assert all(180 < got.count(address) < 330 for address in "ABCD")
