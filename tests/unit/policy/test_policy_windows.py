"""Preferred times, weekdays for business, parts of the day, reminders before an anchor."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from followup_policy.quiet import quiet_hours
from followup_policy.windows import (
    SendWindow,
    last_open_before,
    next_open,
    next_part,
    part_of_day,
    preferred,
)
from followup_policy.zones import Place, Whereabouts, whereabouts

OHIO = whereabouts(Place(country="US", state="OH", postal_code="43004"))
BOTH = Whereabouts(
    frozenset({"America/New_York", "America/Los_Angeles"}), frozenset({"US", "US-OH"})
)
LONDON = whereabouts(Place(country="GB"))
NOWHERE = whereabouts(Place())
PLACES = st.sampled_from([OHIO, BOTH, LONDON, whereabouts(Place(country="FR"))])
CHANNELS = st.sampled_from(["sms", "email", "voice"])
AUDIENCES = st.sampled_from(["b2b", "b2c"])
INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2028, 12, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is the strategy's


def _suits(at, where, window):
    clocks = [at.astimezone(ZoneInfo(zone)) for zone in where.zones]
    return all(
        clock.weekday() in window.days
        and any(start <= clock.time() < end for start, end in window.spans)
        for clock in clocks
    )


@settings(max_examples=150, deadline=None)
@given(channel=CHANNELS, where=PLACES, earliest=INSTANTS, audience=AUDIENCES)
def test_a_planned_moment_is_lawful_and_preferred_or_says_what_gave_way(
    channel, where, earliest, audience
):
    """Never early, never unlawful; weekday and preferred time hold unless told otherwise."""
    window = preferred(channel)
    planned = next_open(channel, where=where, earliest=earliest, window=window, audience=audience)
    if planned.at is None:
        return
    assert planned.at >= earliest
    assert quiet_hours(channel, where=where, now=planned.at).allowed
    told = " ".join(planned.moved_by)
    assert _suits(planned.at, where, window) or "R12" in told
    weekdays = {planned.at.astimezone(ZoneInfo(z)).weekday() for z in where.zones}
    assert audience == "b2c" or weekdays <= set(range(5)) or "not applied" in told
    assert planned.at == earliest or planned.moved_by
    again = next_open(channel, where=where, earliest=planned.at, window=window, audience=audience)
    assert again.at == planned.at


def test_email_waits_for_tuesday_morning():
    """R12: e-mail on Tuesday to Thursday mornings."""
    friday = datetime(2026, 6, 5, 15, 0, tzinfo=UTC)
    planned = next_open(
        "email", where=OHIO, earliest=friday, window=preferred("email"), audience="b2c"
    )
    assert planned.at == datetime(2026, 6, 9, 12, 0, tzinfo=UTC)
    assert planned.moved_by == ("R12: moved to a preferred time.",)


def test_business_leads_are_left_alone_at_weekends():
    """R11: a Saturday touch of a business lead waits for Monday; a consumer's does not."""
    saturday = datetime(2026, 6, 6, 15, 0, tzinfo=UTC)
    for audience, at in (("b2b", datetime(2026, 6, 8, 12, 0, tzinfo=UTC)), ("b2c", saturday)):
        planned = next_open("sms", where=OHIO, earliest=saturday, window=None, audience=audience)
        assert planned.at == at


def test_a_preference_no_two_zones_share_is_dropped():
    """8 to 9 in New York is over before it is 8 in Los Angeles: law alone, and it says so."""
    morning = SendWindow(frozenset(range(7)), ((time(8), time(9)),))
    earliest = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
    planned = next_open("sms", where=BOTH, earliest=earliest, window=morning, audience="b2c")
    assert planned.at == datetime(2026, 6, 1, 15, 0, tzinfo=UTC)
    assert "R12" in planned.moved_by[-1]
    assert "not applied" in planned.moved_by[-1]


def test_a_latest_moment_beats_a_preference_but_not_the_law():
    """Preferred time after the latest: the lawful moment; law after it: none."""
    earliest = datetime(2026, 6, 1, 17, 0, tzinfo=UTC)  # 13:00
    soon = earliest + timedelta(hours=1)
    window = preferred("sms")
    planned = next_open(
        "sms", where=OHIO, earliest=earliest, window=window, audience="b2c", latest=soon
    )
    assert planned.at == earliest
    night = datetime(2026, 6, 2, 4, 0, tzinfo=UTC)
    late = night + timedelta(hours=1)
    refused = next_open("sms", where=OHIO, earliest=night, window=None, audience="b2c", latest=late)
    assert refused.at is None
    assert "after" in refused.moved_by[-1]


def test_email_without_a_zone_goes_without_preferences():
    """No clock to prefer by; the sentence says so. An SMS has no moment at all."""
    now = datetime(2026, 6, 6, 3, 0, tzinfo=UTC)
    window = preferred("email")
    planned = next_open("email", where=NOWHERE, earliest=now, window=window, audience="b2b")
    assert planned.at == now
    assert len(planned.moved_by) == 2
    assert next_open("sms", where=NOWHERE, earliest=now, window=None, audience="b2c").at is None


def test_a_window_may_run_overnight():
    """22:00 to 2:00 on Fridays includes early Saturday, and is not turned around."""
    window = SendWindow(frozenset({4}), ((time(22), time(2)),))
    saturday = datetime(2026, 6, 6, 0, 30, tzinfo=ZoneInfo("Europe/London")).astimezone(UTC)
    planned = next_open("email", where=LONDON, earliest=saturday, window=window, audience="b2c")
    assert planned.at == saturday
    noon = saturday + timedelta(hours=12)
    later = next_open("email", where=LONDON, earliest=noon, window=window, audience="b2c")
    assert later.at == datetime(2026, 6, 12, 21, 0, tzinfo=UTC)


@settings(max_examples=150, deadline=None)
@given(channel=CHANNELS, where=PLACES, wanted=INSTANTS, ahead=st.integers(-60, 4000))
def test_a_reminder_is_lawful_and_never_after_its_anchor(channel, where, wanted, ahead):
    """At the wanted time if open, else earlier, with nothing open in between but minutes."""
    anchor = wanted + timedelta(minutes=ahead)
    planned = last_open_before(channel, where=where, anchor=anchor, wanted=wanted)
    goal = min(anchor, wanted)
    assert planned.at is not None
    assert planned.at <= goal
    assert quiet_hours(channel, where=where, now=planned.at).allowed
    if planned.at < goal:
        between = planned.at + timedelta(minutes=5)
        while between <= goal:
            assert not quiet_hours(channel, where=where, now=between).allowed
            between += timedelta(minutes=30)


def test_an_early_reminder_moves_to_the_evening_before():
    """Two hours before a half past nine appointment is too early; the last open moment is 20:55."""
    anchor = datetime(2026, 6, 2, 13, 30, tzinfo=UTC)
    wanted = anchor - timedelta(hours=2)
    planned = last_open_before("sms", where=OHIO, anchor=anchor, wanted=wanted)
    assert planned.at == datetime(2026, 6, 2, 0, 55, tzinfo=UTC)
    assert "R15:US" in planned.moved_by[0]


def test_a_reminder_planned_too_late_takes_the_next_open_moment():
    """Booked at night: the evening before has passed, so the morning, if before the anchor."""
    anchor = datetime(2026, 6, 2, 13, 30, tzinfo=UTC)
    wanted = anchor - timedelta(hours=2)
    booked = datetime(2026, 6, 2, 3, 0, tzinfo=UTC)
    planned = last_open_before("sms", where=OHIO, anchor=anchor, wanted=wanted, earliest=booked)
    assert planned.at == datetime(2026, 6, 2, 12, 0, tzinfo=UTC)
    early = last_open_before("sms", where=OHIO, anchor=wanted, wanted=wanted, earliest=booked)
    assert early.at is None


def test_the_day_has_parts_on_the_persons_clock():
    """10:00 is morning and 14:00 afternoon (R3); several zones: the middle one's clock."""
    ten = datetime(2026, 6, 2, 14, 0, tzinfo=UTC)
    assert part_of_day(ten, OHIO) == "morning"
    assert part_of_day(ten + timedelta(hours=2), OHIO) == "midday"
    assert part_of_day(ten + timedelta(hours=4), OHIO) == "afternoon"
    assert part_of_day(ten + timedelta(hours=7), OHIO) == "evening"
    assert part_of_day(ten + timedelta(hours=14), OHIO) == "night"
    assert part_of_day(ten + timedelta(hours=3), BOTH) == "morning"


@settings(deadline=None)
@given(at=INSTANTS, where=PLACES)
def test_the_next_part_of_day_is_another_one(at, where):
    """It begins within ten hours or so and differs; just before it the part is the old one."""
    later = next_part(at, where)
    assert at < later <= at + timedelta(hours=11)
    assert part_of_day(later, where) != part_of_day(at, where)
    assert part_of_day(later - timedelta(seconds=1), where) == part_of_day(at, where)
