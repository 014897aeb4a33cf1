"""Quiet hours against a slow checker that asks every clock, minute by minute.

The checker shares no code with the rules and carries the hours a second time, typed from the
statutes, so it holds the data file to them as well.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_law import LAW, VOICE, allowed_slowly, off_days, open_at

from followup_contracts.channels import TRAITS
from followup_policy.house import HouseRules
from followup_policy.quiet import next_opening, open_intervals, quiet_hours
from followup_policy.statutes import emergency_jurisdictions, statutes, statutes_for
from followup_policy.zones import Place, Whereabouts, whereabouts

ZONES = (
    "America/New_York", "America/Chicago", "America/Los_Angeles", "America/Phoenix",
    "America/St_Johns", "Pacific/Honolulu", "Europe/London", "Europe/Paris", "Asia/Kolkata",
    "Australia/Adelaide", "Australia/Lord_Howe", "America/Santiago",
)  # fmt: skip
DAYS = [
    date(2026, 3, 8), date(2026, 11, 1), date(2026, 3, 29), date(2026, 10, 25), date(2026, 10, 18),
    date(2028, 2, 29), date(2026, 12, 31), date(2027, 1, 1), date(2026, 4, 3), date(2026, 7, 4),
    date(2027, 12, 24), date(2028, 11, 7), date(2027, 6, 14), date(2026, 4, 5), date(2026, 10, 4),
]  # fmt: skip
INSTANTS = st.builds(
    lambda day, seconds: datetime.combine(day, time(), UTC) + timedelta(seconds=seconds),
    st.one_of(
        st.dates(date(2026, 1, 5), date(2028, 12, 1)),
        st.builds(lambda d, n: d + timedelta(days=n), st.sampled_from(DAYS), st.integers(-1, 1)),
    ),
    st.one_of(st.integers(0, 86399), st.integers(0, 47).map(lambda half: half * 1800)),
)
NAMES = sorted({*LAW, *VOICE} - {"US-unknown", "elsewhere"})


def _with_countries(names):
    # A US state never stands without its country, nor "US" without a state (that is the safe row).
    found = set(names) | {name.partition("-")[0] for name in names}
    return frozenset(found | ({"US-OH"} if "US" in found else set()))


WHERE = st.builds(
    lambda zones, names: Whereabouts(frozenset(zones), _with_countries(names)),
    st.sets(st.sampled_from(ZONES), min_size=1, max_size=3),
    st.sets(st.sampled_from(NAMES), min_size=1, max_size=3),
)
CHANNELS = st.sampled_from(["voice", "sms"])
SPANS = st.sampled_from([timedelta(0), timedelta(seconds=60), timedelta(minutes=10)])


@settings(max_examples=400, deadline=None)
@given(channel=CHANNELS, where=WHERE, now=INSTANTS, span=SPANS)
def test_a_contact_is_allowed_exactly_when_every_clock_and_law_is_open(channel, where, now, span):
    """Throughout the span, ends exclusive, on days of change, holidays and year ends."""
    verdict = quiet_hours(channel, where=where, now=now, span=span)
    assert verdict.allowed == allowed_slowly(channel, where, now, span)


@pytest.mark.parametrize("channel", ["voice", "sms"])
@pytest.mark.parametrize("name", NAMES)
def test_each_law_holds_on_every_holiday_and_an_ordinary_fortnight(name, channel):
    """Every half hour of each holiday of 2026-2028, the days beside it, and two whole weeks."""
    where = Whereabouts(frozenset({"UTC"}), _with_countries({name}))
    noted = {day for each in where.jurisdictions for day in off_days(each)} | {date(2026, 10, 18)}
    days = {day + timedelta(days=n) for day in noted for n in (-1, 0, 1)}
    days |= {date(2026, 10, 5) + timedelta(days=n) for n in range(14)}
    for day in sorted(d for d in days if date(2026, 1, 2) < d < date(2028, 12, 1)):
        spans = open_intervals(channel, where, day, 1)
        for half in range(48):
            at = datetime.combine(day, time(half // 2, half % 2 * 30), UTC)
            inside = any(start <= at < end for start, end in spans)
            assert inside == open_at(channel, where, at), at


@settings(max_examples=60, deadline=None)
@given(channel=CHANNELS, where=WHERE, now=INSTANTS)
def test_the_opening_is_open_and_no_earlier_minute_is(channel, where, now):
    """opens_at is the very first moment; without one, fourteen days hold none."""
    verdict = quiet_hours(channel, where=where, now=now)
    if verdict.allowed:
        return
    assert verdict.rule
    assert verdict.reason
    last = verdict.opens_at or now + timedelta(days=14)
    if verdict.opens_at:
        assert quiet_hours(channel, where=where, now=verdict.opens_at).allowed
        assert allowed_slowly(channel, where, verdict.opens_at, timedelta(seconds=60))
    minute = now.replace(second=0)
    while (minute := minute + timedelta(minutes=10)) < last:
        assert not allowed_slowly(channel, where, minute, timedelta(seconds=60))
    for back in range(1, 30):
        just_before = last - timedelta(seconds=back * 20)
        if verdict.opens_at and just_before >= now:
            assert not allowed_slowly(channel, where, just_before, timedelta(seconds=60))


@settings(max_examples=100, deadline=None)
@given(channel=CHANNELS, where=WHERE, more=WHERE, now=INSTANTS)
def test_more_candidates_only_ever_narrow(channel, where, more, now):
    """What is open for more zones and more laws is open for fewer."""
    both = Whereabouts(where.zones | more.zones, where.jurisdictions | more.jurisdictions)
    if quiet_hours(channel, where=both, now=now).allowed:
        assert quiet_hours(channel, where=where, now=now).allowed


@settings(max_examples=50, deadline=None)
@given(channel=CHANNELS, where=WHERE, now=INSTANTS)
def test_asking_for_the_next_opening_twice_changes_nothing(channel, where, now):
    """The next opening from an opening is that opening."""
    found = next_opening(channel, where=where, earliest=now)
    if found:
        assert next_opening(channel, where=where, earliest=found) == found


@settings(max_examples=50, deadline=None)
@given(channel=CHANNELS, where=WHERE, now=INSTANTS)
def test_intervals_hold_exactly_the_open_moments(channel, where, now):
    """The intervals of some days agree with asking about a moment."""
    spans = open_intervals(channel, where, now.date(), 2)
    inside = any(start <= now < end for start, end in spans)
    assert inside == quiet_hours(channel, where=where, now=now, span=timedelta(0)).allowed


def _where(state, *zones):
    return Whereabouts(frozenset(zones), frozenset({"US", f"US-{state}"}))


def test_a_span_over_closing_time_is_refused():
    """At 19:59 there is a minute left in Florida, not more; 20:00 itself is closed."""
    florida = _where("FL", "America/New_York")
    closing = datetime(2026, 6, 2, 0, 0, tzinfo=UTC)
    assert quiet_hours("sms", where=florida, now=closing - timedelta(seconds=61)).allowed
    refused = quiet_hours("sms", where=florida, now=closing - timedelta(seconds=60))
    assert refused.rule == "R15:US-FL"
    assert refused.opens_at == datetime(2026, 6, 2, 12, 0, tzinfo=UTC)
    assert "Fla. Stat. 501.616(6)" in str(refused.reason)


def test_mississippi_reads_central_time_wherever_the_person_is():
    """8:30 in New York is 7:30 in Mississippi's law (Miss. Code 77-3-723)."""
    where = _where("MS", "America/New_York")
    refused = quiet_hours("voice", where=where, now=datetime(2026, 6, 2, 12, 30, tzinfo=UTC))
    assert refused.rule == "R15:US-MS"
    assert refused.opens_at == datetime(2026, 6, 2, 13, 0, tzinfo=UTC)


def test_france_is_shut_at_lunch_for_calls_alone():
    """décret 2022-1313: 10-13 and 14-20; an SMS at half past one may go."""
    france = whereabouts(Place(country="FR"))
    lunch = datetime(2026, 6, 2, 11, 30, tzinfo=UTC)
    assert quiet_hours("sms", where=france, now=lunch).allowed
    assert quiet_hours("voice", where=france, now=lunch).opens_at == lunch + timedelta(minutes=30)


@pytest.mark.parametrize("channel", [c for c in TRAITS if c not in {"email", "voice"}])
@pytest.mark.parametrize("country", ["US", "FR", "GB", "IN", "AU", "ZZ"])
def test_every_channel_but_calls_and_email_is_bound_like_a_text(country, channel):
    """What is added to the channels is not free of the law until somebody says so."""
    place = frozenset({country})
    for machine in (True, False):
        text, other = (
            statutes_for(each, jurisdictions=place, machine=machine) for each in ("sms", channel)
        )
        assert text
        assert other == text


def test_an_unknown_zone_is_closed_for_all_but_email():
    """Not knowing means not sending."""
    nowhere = whereabouts(Place())
    now = datetime(2026, 6, 2, 17, 0, tzinfo=UTC)
    for channel in ("sms", "voice"):
        refused = quiet_hours(channel, where=nowhere, now=now)
        assert not refused.allowed
        assert refused.opens_at is None
        assert "unknown" in str(refused.reason)
    assert quiet_hours("email", where=nowhere, now=now).allowed


def test_an_emergency_stops_its_jurisdiction_alone():
    """Louisiana's stop closes Louisiana with no end in sight, and nobody else."""
    now, stops = datetime(2026, 6, 2, 17, 0, tzinfo=UTC), HouseRules(stops=frozenset({"US-LA"}))
    refused = quiet_hours("sms", where=_where("LA", "America/Chicago"), now=now, house=stops)
    assert (refused.allowed, refused.rule, refused.opens_at) == (False, "R15:US-LA", None)
    texas = _where("TX", "America/Chicago")
    assert quiet_hours("sms", where=texas, now=now, house=stops).allowed
    assert emergency_jurisdictions() == {"US-LA", "US-NY"}


def test_a_call_a_person_makes_is_freed_from_machine_hours_alone():
    """Maine's 9-17 binds automated calls; the federal hours bind everyone."""
    maine = _where("ME", "America/New_York")
    evening = datetime(2026, 6, 2, 23, 0, tzinfo=UTC)  # 19:00
    assert not quiet_hours("voice", where=maine, now=evening).allowed
    assert quiet_hours("voice", where=maine, now=evening, machine=False).allowed
    night = evening + timedelta(hours=3)
    assert not quiet_hours("voice", where=maine, now=night, machine=False).allowed


def test_an_unlisted_country_keeps_common_hours():
    """No law known to us is no leave to call at night."""
    zealand = whereabouts(Place(country="NZ"))
    night = datetime(2026, 6, 2, 14, 0, tzinfo=UTC)
    assert quiet_hours("voice", where=zealand, now=night).rule == "R15:elsewhere"


def test_the_offset_of_the_asker_changes_nothing():
    """The same instant told in another offset gets the same verdict."""
    florida = _where("FL", "America/New_York")
    now = datetime(2026, 6, 2, 1, 0, tzinfo=UTC)
    assert quiet_hours("sms", where=florida, now=now) == quiet_hours(
        "sms", where=florida, now=now.astimezone(ZoneInfo("Pacific/Auckland"))
    )


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"US-RI", "US-ME", "US-OH"}))
def test_the_safe_row_lies_inside_every_states_hours(name):
    """An unknown US state is safe in each state, but for Rhode Island's and Maine's evenings."""
    if not name.startswith("US"):
        return
    zone = frozenset({"America/Chicago"})
    unknown = Whereabouts(zone, frozenset({"US"}))
    state = Whereabouts(zone, frozenset({"US", name, "US-OH"}))
    start = datetime(2026, 11, 1, tzinfo=UTC)
    for half in range(48 * 35):
        at = start + timedelta(minutes=30 * half)
        if quiet_hours("voice", where=unknown, now=at).allowed:
            assert quiet_hours("voice", where=state, now=at).allowed, (name, at)


def test_every_row_tells_its_source_and_every_jurisdiction_is_there():
    """The file carries each jurisdiction the checker knows, dated and sourced."""
    rows = statutes()
    assert {row.jurisdiction for row in rows} >= set(NAMES) - {"US-OH"} | {"US-unknown"}
    for row in rows:
        assert row.source
        assert row.as_of <= date(2026, 11, 30)
    capped = {row.jurisdiction for row in rows if row.caps}
    assert capped == {
        "US-FL",
        "US-OK",
        "US-MD",
        "US-OR",
        "US-ME",
        "US-unknown",
        "FR",
        "DE",
        "CA-BC",
    }
