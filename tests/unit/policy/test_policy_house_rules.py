"""A tenant's own rules beside the law, exemptions, emergency stops, and weekdays (R11)."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from followup_policy.caps import PastContact, caps
from followup_policy.check import Check, check
from followup_policy.house import Exemption, HouseDocument, HouseRules, house_rules
from followup_policy.quiet import quiet_hours
from followup_policy.weekdays import weekdays
from followup_policy.zones import Place, Whereabouts, whereabouts

OHIO = whereabouts(Place(country="US", state="OH", postal_code="43004"))
TEXAS = whereabouts(Place(country="US", state="TX", postal_code="75001"))
UTAH = whereabouts(Place(country="US", state="UT", postal_code="84101"))
NOWHERE = whereabouts(Place())
NOON = datetime(2026, 6, 2, 16, 0, tzinfo=UTC)  # Tuesday noon, in Ohio
SATURDAY = datetime(2026, 6, 6, 16, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def house(**document):
    return house_rules(HouseDocument.model_validate(document))


AFTERNOONS = house(hours=[{"channels": ["sms", "email"], "mon_fri": ["13:00-17:00"], "sat": []}])


def test_hours_of_the_house_narrow_the_law_and_say_whose_they_are():
    """The law is open at noon, the tenant from one: it waits an hour, e-mail as well."""
    for channel in ("sms", "email"):
        refused = quiet_hours(channel, where=OHIO, now=NOON, house=AFTERNOONS)
        assert (refused.rule, refused.opens_at) == ("house:hours", NOON + HOUR)
    assert quiet_hours("voice", where=OHIO, now=NOON, house=AFTERNOONS).allowed
    refused = quiet_hours("email", where=NOWHERE, now=NOON, house=AFTERNOONS)
    assert "unknown" in str(refused.reason)


WINDOWS = st.lists(st.sampled_from([["00:00-24:00"], ["07:00-23:00"], [], ["13:00-17:00"]]))
HOUSES = st.builds(
    lambda days, counts: house(
        hours=[{"channels": ["sms", "voice"], "mon_fri": d, "sat": d, "sun": d} for d in days[:2]],
        caps=[{"channels": ["sms"], "count": n, "hours": 24} for n in counts],
    ),
    WINDOWS,
    st.lists(st.integers(0, 3), max_size=2),
)
MOMENTS = st.integers(0, 14 * 96).map(lambda quarter: NOON + timedelta(minutes=15 * quarter))


@settings(max_examples=150, deadline=None)
@given(own=HOUSES, now=MOMENTS, where=st.sampled_from([OHIO, TEXAS, UTAH]), ago=st.integers(1, 99))
def test_a_house_never_opens_what_is_closed_without_it(own, now, where, ago):
    """Whatever a tenant writes: allowed with its rules means allowed by the law alone."""
    history = [PastContact("t", "sms", now - ago * HOUR, "e1:1")]
    for channel in ("sms", "voice"):
        proposed = Check(channel, "e2:1", where, "yes", asked=True, history=history, house=own)
        lawful = Check(channel, "e2:1", where, "yes", asked=True, history=history)
        verdict = check(proposed, now=now)
        if verdict.allowed:
            assert check(lawful, now=now).allowed
        elif verdict.opens_at is not None:
            assert check(proposed, now=verdict.opens_at).allowed


def ask(own, history=(), channel="sms"):
    return caps(
        channel, round="e2:1", history=history, where=OHIO, now=NOON, transactional=True, house=own
    )


def test_a_cap_of_none_sends_none_and_an_unset_one_is_no_cap():
    """mautic#10416: 0 is a cap like any other, and nothing written is no cap at all."""
    none = house(caps=[{"channels": ["sms"], "count": 0, "hours": 24}])
    refused = ask(none)
    assert (refused.rule, refused.opens_at) == ("house:none", None)
    assert ask(none, channel="voice").allowed
    assert ask(house(), [PastContact(f"t{n}", "sms", NOON, "e1:1") for n in range(50)]).allowed


@given(
    ages=st.lists(st.integers(0, 100), max_size=8),
    count=st.integers(1, 4),
    hours=st.integers(1, 72),
)
def test_a_cap_counts_over_all_sequences_and_opens_when_there_is_room(ages, count, hours):
    """mautic#6729: contacts of other sequences count; the opening is the first with room."""
    own = house(caps=[{"channels": ["sms", "voice"], "count": count, "hours": hours}])
    history = [
        PastContact(f"t{n}", "voice", NOON - a * HOUR, f"e{n}:1") for n, a in enumerate(ages)
    ]
    verdict = ask(own, history)
    inside = [age for age in ages if age < hours]
    assert verdict.allowed == (len(inside) < count)
    if not verdict.allowed:
        left = [a for a in ages if NOON - a * HOUR > verdict.opens_at - hours * HOUR]
        assert len(left) < count
        sooner = verdict.opens_at - timedelta(minutes=1)
        assert len([a for a in ages if NOON - a * HOUR > sooner - hours * HOUR]) >= count


def exempt(jurisdiction, what="hours", *channels):
    return house_rules(
        HouseDocument(), frozenset({Exemption(jurisdiction, what, frozenset(channels))})
    )


def test_an_exemption_lifts_one_row_for_its_channels_alone():
    """Utah closes Sundays unless there is consent; the federal hours go on to bind."""
    sunday = datetime(2026, 6, 7, 18, 0, tzinfo=UTC)
    night = datetime(2026, 6, 8, 5, 0, tzinfo=UTC)
    own = exempt("US-UT", "hours", "voice")
    assert quiet_hours("voice", where=UTAH, now=sunday).rule == "R15:US-UT"
    assert quiet_hours("voice", where=UTAH, now=sunday, house=own).allowed
    assert not quiet_hours("sms", where=UTAH, now=sunday, house=own).allowed
    assert quiet_hours("voice", where=UTAH, now=night, house=own).rule == "R15:US"


def test_a_law_that_names_no_exemption_cannot_be_exempted_from():
    """Florida's row knows none: whatever was recorded counts for nothing."""
    assert exempt("US-FL", "caps", "sms") == HouseRules()


def test_an_exempted_cap_is_off_and_the_hours_stay():
    """Oregon's three a day do not bind after a purchase."""
    oregon = whereabouts(Place(country="US", state="OR", postal_code="97201"))
    noon = datetime(2026, 6, 2, 20, 0, tzinfo=UTC)
    history = [PastContact(f"t{n}", "voice", noon - n * HOUR, "e1:1") for n in (3, 4, 5)]
    asked = {"round": "e2:1", "history": history, "where": oregon, "now": noon}
    bound = caps("sms", transactional=True, **asked)
    free = caps("sms", transactional=True, house=exempt("US-OR", "caps", "sms"), **asked)
    assert bound.rule == "R15:US-OR"
    assert free.allowed


@pytest.mark.parametrize("channel", ["sms", "voice", "email"])
def test_an_emergency_stops_every_channel_for_countries_too(channel):
    """A stop in Texas closes Texas, one of the country all of its states."""
    for name in ("US-TX", "US"):
        own = HouseRules(stops=frozenset({name}))
        assert quiet_hours(channel, where=TEXAS, now=NOON, house=own).rule == f"R15:{name}"
    own = HouseRules(stops=frozenset({"US-TX"}))
    assert quiet_hours(channel, where=OHIO, now=NOON, house=own).allowed


@pytest.mark.parametrize(
    "document",
    [
        {"hours": [{"channels": [], "sat": []}]},
        {"hours": [{"channels": ["sms"], "sat": ["25:00-26:00"]}]},
        {"hours": [{"channels": ["sms"], "sat": ["8-17"]}]},
        {"hours": [{"channels": ["pigeon"]}]},
        {"hours": [{"channels": ["sms"], "sat": ["08:00-09:00"] * 9}]},
        {"caps": [{"channels": ["sms"], "count": -1, "hours": 24}]},
        {"caps": [{"channels": ["sms"], "count": 1, "hours": 0}]},
        {"capz": []},
        {"hours": [{"channels": ["sms"], "holiday": []}]},
        {"hours": [{"channels": ["sms"], "holiday": [], "holidays": {"calendars": ["XX"]}}]},
        {"hours": [{"channels": ["sms"], "holiday": [], "holidays": {"calendars": ["US-ZZ"]}}]},
        {
            "hours": [
                {
                    "channels": ["sms"],
                    "holiday": [],
                    "holidays": {"calendars": ["US"], "days": ["13-40"]},
                }
            ]
        },
    ],
)
def test_a_document_that_says_nothing_sensible_is_refused(document):
    """What cannot be a rule is not kept as one."""
    with pytest.raises(ValidationError):
        HouseDocument.model_validate(document)


def test_a_document_is_written_as_it_was_read():
    """What is kept as JSON means the same when it is read again."""
    written = {
        "hours": [{"channels": ["sms"], "mon_fri": ["08:30-12:00", "14:00-24:00"], "sun": []}],
        "caps": [{"channels": ["sms", "email"], "count": 0, "hours": 168}],
    }
    document = HouseDocument.model_validate(written)
    kept = document.model_dump(mode="json", exclude_unset=True)
    assert kept == written
    assert HouseDocument.model_validate(kept) == document


ZONES = st.sets(
    st.sampled_from(["Pacific/Auckland", "America/New_York", "Pacific/Honolulu", "UTC"]), max_size=3
)


@given(zones=ZONES, now=MOMENTS)
def test_businesses_are_contacted_on_days_that_are_weekdays_everywhere(zones, now):
    """R11: the opening is the first quarter of an hour that is a weekday in every zone."""
    where = Whereabouts(frozenset(zones), frozenset())

    def suits(at):
        return all(at.astimezone(ZoneInfo(zone)).weekday() < 5 for zone in zones)

    verdict = weekdays("b2b", where=where, now=now)
    assert verdict.allowed == suits(now)
    assert weekdays("b2c", where=where, now=now).allowed
    if not verdict.allowed:
        assert verdict.rule == "R11"
        assert suits(verdict.opens_at)
        at = now
        while at < verdict.opens_at:
            assert not suits(at)
            at += timedelta(minutes=15)


def test_what_was_arranged_with_a_business_keeps_its_weekend():
    """A reminder for Monday goes on Sunday; what sells waits."""
    proposed = {"channel": "sms", "round": "e:1", "where": OHIO, "consent": "yes", "asked": True}
    sells = Check(**proposed, audience="b2b")
    reminds = Check(**proposed, audience="b2b", transactional=True)
    assert check(sells, now=SATURDAY).rule == "R11"
    assert check(sells, now=SATURDAY).opens_at == datetime(2026, 6, 8, 12, 0, tzinfo=UTC)
    assert check(reminds, now=SATURDAY).allowed


def test_an_enquiry_implies_consent_in_canada_for_six_months():
    """CASL s. 10(9)-(10): later than that nothing may be sent without a yes."""
    toronto = whereabouts(Place(country="CA", state="ON", postal_code="M5V2T6"))
    for days, allowed in ((179, True), (181, False)):
        asked_at = NOON - timedelta(days=days)
        facts = {"asked": True, "asked_at": asked_at}
        assert check(Check("sms", "e:1", toronto, "unknown", **facts), now=NOON).allowed == allowed
        assert check(Check("sms", "e:1", toronto, "yes", **facts), now=NOON).allowed
        assert check(Check("sms", "e:1", OHIO, "unknown", **facts), now=NOON).allowed
