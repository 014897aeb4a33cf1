"""Consent by jurisdiction, and all rules in order."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup_policy.caps import PastContact, caps
from followup_policy.check import Check, check, describe, told_allowed
from followup_policy.consent import consent
from followup_policy.quiet import quiet_hours
from followup_policy.zones import Place, Whereabouts, whereabouts

US = whereabouts(Place(country="US", state="OH", postal_code="43004"))
GB = whereabouts(Place(country="GB"))
DE = whereabouts(Place(country="DE"))
CANADA = whereabouts(Place(country="CA", state="ON", postal_code="M5V2T6"))
NOWHERE = whereabouts(Place())
CHANNELS = ("sms", "email", "voice")


def allowed(where, **facts):
    return {c for c in CHANNELS if consent(c, where=where, **facts).allowed}


@pytest.mark.parametrize("where", [US, GB, DE, CANADA, NOWHERE])
def test_a_refusal_closes_and_a_yes_opens_everything(where):
    """ "no" is no on every channel, for reminders too; "yes" opens all."""
    for asked in (True, False):
        assert allowed(where, state="no", asked=asked) == set()
        assert allowed(where, state="no", asked=asked, transactional=True) == set()
        assert allowed(where, state="yes", asked=asked) == set(CHANNELS)


def test_people_who_asked_are_answered_but_not_called_by_a_machine():
    """Unknown consent: SMS and e-mail; a person of ours may call."""
    for where in (US, CANADA, whereabouts(Place(country="NZ"))):
        assert allowed(where, state="unknown", asked=True) == {"sms", "email"}
        assert allowed(where, state="unknown", asked=True, machine=False) == set(CHANNELS)


def test_in_the_eu_and_the_uk_only_email_answers():
    """Directive 2002/58/EC art. 13; PECR reg. 22. Norway follows by the EEA agreement."""
    for country in ("GB", "DE", "FR", "IE", "NO"):
        where = whereabouts(Place(country=country))
        for machine in (True, False):
            assert allowed(where, state="unknown", asked=True, machine=machine) == {"email"}


def test_cold_contact_is_email_in_the_united_states_alone():
    """CAN-SPAM is an opt-out law; elsewhere cold contact without a yes is closed."""
    assert allowed(US, state="unknown", asked=False) == {"email"}
    for where in (GB, DE, CANADA, NOWHERE, whereabouts(Place(country="BR"))):
        assert allowed(where, state="unknown", asked=False) == set()


def test_what_was_arranged_counts_as_asked():
    """A reminder of an appointment answers what the person arranged."""
    assert allowed(US, state="unknown", asked=False, transactional=True) == {"sms", "email"}


def test_the_strictest_of_several_jurisdictions_wins():
    """A German number beside an Ohio address: e-mail alone, and cold nothing."""
    mixed = whereabouts(Place(country="US", state="OH", phone="+4930123456"))
    assert allowed(mixed, state="unknown", asked=True) == {"email"}
    assert allowed(mixed, state="unknown", asked=False) == set()


def test_an_unknown_country_gets_the_strictest_row():
    """Not knowing where means the least is open."""
    assert allowed(NOWHERE, state="unknown", asked=True) == {"email"}


SETS = st.sets(st.sampled_from(["US", "US-FL", "GB", "DE", "CA", "BR", "AU"]), min_size=1)


@given(first=SETS, second=SETS, asked=st.booleans(), machine=st.booleans())
def test_more_jurisdictions_open_nothing(first, second, asked, machine):
    """What several jurisdictions allow, each subset allows."""
    facts = {"state": "unknown", "asked": asked, "machine": machine}
    some = Whereabouts(frozenset(), frozenset(first))
    more = Whereabouts(frozenset(), frozenset(first | second))
    assert allowed(more, **facts) <= allowed(some, **facts)


NOON = datetime(2026, 6, 2, 16, 0, tzinfo=UTC)


def proposed(channel="sms", where=US, *, state="unknown", history=()):
    return Check(channel, "e1:2", where, state, asked=True, history=history)


def test_consent_is_asked_before_hours_and_hours_before_caps():
    """One contact that breaks all three is refused for the first of them."""
    midnight = NOON + timedelta(hours=12)
    history = [PastContact("t1", "sms", midnight - timedelta(minutes=1), "e1:1")]
    no = check(proposed(state="no", history=history), now=midnight)
    assert (no.rule, no.opens_at) == ("consent", None)
    hours = check(proposed(history=history), now=midnight)
    assert hours.rule == "R15:US"
    day = [PastContact("t1", "sms", NOON - timedelta(hours=1), "e1:1")]
    assert check(proposed(history=day), now=NOON).rule == "R1"
    assert check(proposed(history=[]), now=NOON).allowed


def test_the_opening_satisfies_hours_and_caps_at_once():
    """R1 would open at midnight; the law keeps it closed until eight."""
    day = [PastContact("t1", "sms", NOON - timedelta(hours=1), "e1:1")]
    refused = check(proposed(history=day), now=NOON)
    assert refused.opens_at == datetime(2026, 6, 3, 12, 0, tzinfo=UTC)
    assert check(proposed(history=day), now=refused.opens_at).allowed


@given(
    channel=st.sampled_from(CHANNELS),
    hours=st.integers(0, 24 * 14),
    where=st.sampled_from([US, GB, CANADA]),
    ago=st.lists(st.integers(0, 72), max_size=3),
)
def test_allowed_means_each_rule_allows(channel, hours, where, ago):
    """The check is neither laxer nor stricter than its parts."""
    now = NOON + timedelta(hours=hours)
    history = [
        PastContact(f"t{n}", c, now - timedelta(hours=n), f"e1:{n}")
        for n, c in zip(ago, CHANNELS, strict=False)
    ]
    parts = (
        consent(channel, state="unknown", asked=True, where=where),
        quiet_hours(channel, where=where, now=now),
        caps(channel, round="e1:2", history=history, where=where, now=now),
    )
    verdict = check(proposed(channel, where, history=history), now=now)
    assert verdict.allowed == all(part.allowed for part in parts)
    if verdict.opens_at:
        assert check(proposed(channel, where, history=history), now=verdict.opens_at).allowed


def test_a_verdict_is_told_in_one_line():
    """Rule, reason and opening, for traces."""
    refused = check(proposed(history=[]), now=NOON + timedelta(hours=12))
    line = describe(refused)
    assert line.startswith("R15:US: It is Wednesday 00:00 in America/New_York")
    assert line.endswith("Opens 2026-06-03 12:00 UTC.")
    assert describe(check(proposed(history=[]), now=NOON)) == "allowed"


def test_a_contact_that_goes_is_told_of_in_one_sentence():
    """Clocks and laws that were asked; the next minute says its own."""
    both = whereabouts(Place(country="US", state="OH", phone="+14155550123"))
    told = told_allowed("sms", both, NOON)
    assert told == (
        "It is Tuesday 09:00 in America/Los_Angeles, Tuesday 12:00 in America/New_York; "
        "consent, hours and caps of US and US-CA and US-OH allow sms."
    )
    assert "12:01" in told_allowed("sms", both, NOON + timedelta(seconds=61))
    assert told_allowed("email", NOWHERE, NOON).startswith("No clock of the person's is known")
