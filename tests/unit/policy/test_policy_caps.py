"""How often one person may be contacted."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from followup_policy.caps import PastContact, caps
from followup_policy.windows import part_of_day
from followup_policy.zones import Place, Whereabouts, whereabouts

OHIO = whereabouts(Place(country="US", state="OH", postal_code="43004"))
FLORIDA = whereabouts(Place(country="US", state="FL", postal_code="33101"))
TWO = Whereabouts(frozenset({"America/New_York", "Pacific/Honolulu"}), frozenset({"US", "US-OH"}))
NOON = datetime(2026, 6, 2, 16, 0, tzinfo=UTC)  # Tuesday, in Ohio
HOUR = timedelta(hours=1)


def past(channel, at, round_id="e1:1"):
    return PastContact(touch_id=f"{channel}{at:%d%H%M%S}", channel=channel, at=at, round=round_id)


def ask(
    channel, history, *, now=NOON, where=OHIO, round_id="e1:2", transactional=False, answering=False
):
    return caps(
        channel,
        round=round_id,
        history=history,
        where=where,
        now=now,
        transactional=transactional,
        answering=answering,
    )


def test_one_sms_per_local_day():
    """R1: a second SMS on the same day waits for midnight on the person's clock."""
    refused = ask("sms", [past("sms", NOON - HOUR, "e1:2")])
    assert refused.rule == "R1"
    assert refused.opens_at == datetime(2026, 6, 3, 4, 0, tzinfo=UTC)
    assert ask("sms", [past("sms", NOON - 13 * HOUR, "e1:2")]).allowed


def test_an_answer_keeps_statutes_and_not_the_pace_of_follow_up():
    """R1, R2, R3 and R6 are for who is followed up; Florida's three a day are for everybody."""
    for channel in ("sms", "email", "voice"):
        just_now = [past(channel, NOON - HOUR, "e1:1")]
        assert not ask(channel, just_now).allowed
        assert ask(channel, just_now, answering=True).allowed
    three = [past("sms", NOON - hours * HOUR, f"e1:{hours}") for hours in (1, 2, 3)]
    assert ask("sms", three, where=FLORIDA, answering=True).rule == "R15:US-FL"


def test_a_day_is_a_day_in_every_candidate_zone():
    """Past midnight in New York it is still the same day in Honolulu."""
    sent = datetime(2026, 6, 3, 3, 0, tzinfo=UTC)  # 23:00 and 17:00 on the 2nd
    refused = ask("sms", [past("sms", sent)], where=TWO, now=sent + 2 * HOUR)
    assert refused.rule == "R1"
    assert refused.opens_at == datetime(2026, 6, 3, 10, 0, tzinfo=UTC)


def test_without_a_zone_a_day_is_twenty_four_hours():
    """Some clock on earth might call both moments one day."""
    nowhere = whereabouts(Place())
    refused = ask("email", [past("sms", NOON - 23 * HOUR)], where=nowhere)
    assert (refused.rule, refused.opens_at) == ("R6", NOON + HOUR)


def test_emails_stay_two_days_apart():
    """R2: 48 hours to the second."""
    refused = ask("email", [past("email", NOON - 47 * HOUR)])
    assert (refused.rule, refused.opens_at) == ("R2", NOON + HOUR)
    assert ask("email", [past("email", NOON - 48 * HOUR)]).allowed


def test_a_round_may_use_several_channels_but_a_day_one_round():
    """R6: call, text and e-mail of one round together; another round waits for tomorrow."""
    together = [past("voice", NOON - HOUR), past("email", NOON - HOUR)]
    assert ask("sms", together, round_id="e1:1").allowed
    refused = ask("sms", together, round_id="e1:2")
    assert (refused.rule, refused.opens_at) == ("R6", datetime(2026, 6, 3, 4, 0, tzinfo=UTC))
    assert ask("sms", together, round_id="e2:1").rule == "R6"


def test_a_call_comes_at_another_part_of_day_than_the_last():
    """R3: after a morning call the next is not in a morning; another enrollment's counts not."""
    morning = NOON - 2 * HOUR  # 10:00
    history = [past("voice", morning - timedelta(days=6))]
    refused = ask("voice", history, now=morning)
    assert refused.rule == "R3"
    assert refused.opens_at == NOON
    assert ask("voice", history, now=morning + 4 * HOUR).allowed
    assert ask("voice", history, now=morning, round_id="e2:1").allowed
    assert ask("voice", history, now=morning, round_id="e1:1").allowed  # twice in one round


def test_transactional_touches_are_exempt_from_r1_and_r6_alone():
    """Reminders pass the daily rules, not the distance of e-mails and not the law."""
    day = [past("sms", NOON - HOUR), past("email", NOON - HOUR)]
    assert ask("sms", day, transactional=True).allowed
    assert ask("email", day, transactional=True).rule == "R2"
    thrice = [past("sms", NOON - n * HOUR, f"e{n}:1") for n in (1, 2, 3)]
    assert ask("sms", thrice, where=FLORIDA, transactional=True).rule == "R15:US-FL"


def test_florida_counts_three_in_any_twenty_four_hours():
    """Fla. Stat. 501.616(6): texts and calls together; the first to age out opens it."""
    history = [
        past(c, NOON - n * HOUR, "e1:2") for c, n in (("voice", 20), ("sms", 15), ("voice", 14))
    ]
    refused = ask("voice", history, where=FLORIDA)
    assert refused.rule == "R15:US-FL"
    assert refused.opens_at == NOON + 4 * HOUR
    assert ask("email", history[:2], where=FLORIDA, round_id="e1:2").allowed


def test_an_unknown_state_counts_every_channel():
    """The safe row: three attempts in 24 hours over all numbers and channels."""
    unknown = whereabouts(Place(country="US"))
    history = [past("email", NOON - n * HOUR, "e1:2") for n in (1, 2, 3)]
    assert ask("sms", history, where=unknown).rule == "R15:US-unknown"


def test_france_counts_four_calls_in_thirty_days():
    """décret 2022-1313; texts do not count."""
    france = whereabouts(Place(country="FR"))
    calls = [
        past("voice", NOON - timedelta(days=d, hours=4 + 3 * (d % 2))) for d in (20, 15, 10, 5)
    ]
    refused = ask("voice", calls, where=france)
    assert refused.rule == "R15:FR"
    assert refused.opens_at is not None
    assert refused.opens_at >= calls[0].at + timedelta(days=30)
    assert ask("sms", calls, where=france).allowed


def test_germany_ends_after_thirty_calls_of_one_campaign():
    """Thirty per campaign: waiting does not help; another campaign may call."""
    germany = whereabouts(Place(country="DE"))
    calls = [past("voice", NOON - timedelta(days=9 * n), "e1:1") for n in range(1, 31)]
    refused = ask("voice", calls, where=germany, now=NOON + 5 * HOUR)
    assert (refused.rule, refused.opens_at) == ("R15:DE", None)
    assert ask("voice", calls, where=germany, round_id="e9:1").allowed


HISTORY = st.lists(
    st.builds(
        lambda channel, minutes, number: past(
            channel, NOON - timedelta(minutes=minutes), f"e1:{number}"
        ),
        st.sampled_from(["sms", "email", "voice"]),
        st.integers(1, 6000),
        st.integers(1, 3),
    ),
    max_size=6,
)
PLACES = st.sampled_from([OHIO, FLORIDA, TWO, whereabouts(Place(country="US"))])


def naive(channel, history, now, where, round_id):
    """R1, R2, R3, R6 and three in 24 hours, spelt out."""
    dates = lambda at: [(z, at.astimezone(ZoneInfo(z)).date()) for z in where.zones]  # noqa: E731 - a word for the lines below
    same_day = [p for p in history if set(dates(p.at)) & set(dates(now))]
    calls = sorted(
        (p for p in history if p.channel == "voice"), key=lambda p: (p.at, p.round != round_id)
    )
    counted = [p for p in history if now - p.at < timedelta(hours=24)]
    if "US-FL" in where.jurisdictions:
        counted = [p for p in counted if p.channel != "email"]
    elif where.jurisdictions != {"US"}:
        counted = []
    return not (
        (channel == "sms" and any(p.channel == "sms" for p in same_day))
        or any(p.round != round_id for p in same_day)
        or (channel == "email" and any(
            p.channel == "email" and now - p.at < timedelta(hours=48) for p in history))
        or (channel == "voice" and calls and calls[-1].round != round_id
            and part_of_day(now, where) == part_of_day(calls[-1].at, where))
        or (channel != "email" and len(counted) >= 3)
    )  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(
    channel=st.sampled_from(["sms", "email", "voice"]),
    history=HISTORY,
    where=PLACES,
    number=st.integers(1, 4),
)
def test_caps_agree_with_the_rules_spelt_out_and_open_when_they_say(
    channel, history, where, number
):
    """Same answer as the naive rules; the opening passes, and no quarter hour before it does."""
    round_id = f"e1:{number}"
    verdict = ask(channel, history, where=where, round_id=round_id)
    assert verdict.allowed == naive(channel, history, NOON, where, round_id)
    if verdict.allowed:
        return
    assert verdict.opens_at is not None
    assert naive(channel, history, verdict.opens_at, where, round_id)
    at = NOON
    while at < verdict.opens_at:
        assert not naive(channel, history, at, where, round_id)
        at += timedelta(minutes=15)
