"""Several touches of one person want the place that a cap leaves."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from followup_contracts.commands import SendTouch
from followup_dispatcher.core.priority import (
    ARRANGED,
    GRACE,
    LATER,
    NOW,
    rank,
    stands_behind,
    waiter,
)
from followup_policy.caps import PastContact, caps
from followup_policy.house import HouseDocument, house_rules
from followup_policy.zones import Place, whereabouts

OHIO = whereabouts(Place(country="US", state="OH", postal_code="43004"))
NOON = datetime(2026, 6, 2, 16, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ONE_A_DAY = house_rules(
    HouseDocument.model_validate(
        {"caps": [{"channels": ["sms", "voice"], "count": 1, "hours": 24}]}
    )
)


def touch(number, channel="sms", lane="later", *, transactional=False):
    return SendTouch(
        touch_id=UUID(int=number),
        enrollment_id=UUID(int=100 + number),
        lead_id=UUID(int=7),
        person_id=UUID(int=8),
        channel=channel,
        lane=lane,
        round=1,
        epoch=0,
        sequence="d1",
        version=1,
        step="a",
        contact_round=f"{UUID(int=100 + number)}:a",
        template="t",
        transactional=transactional,
        due_at=NOON,
    )


def behind(command, waiting, *, now=NOON, history=()):
    return stands_behind(command, waiting, history=history, where=OHIO, house=ONE_A_DAY, now=now)


def test_what_was_arranged_goes_before_now_and_now_before_the_rest():
    """Ranks, the most urgent first."""
    assert rank(touch(1, transactional=True)) == ARRANGED
    assert rank(touch(1, lane="now")) == NOW
    assert rank(touch(1)) == LATER
    assert ARRANGED < NOW < LATER


def test_nurture_does_not_take_the_place_that_an_answer_waits_for():
    """The cap opens at one; at five to one a nurture text would push the answer to tomorrow."""
    answer = waiter(touch(1, lane="now"), NOON + HOUR)
    nurture = touch(2)
    for now in (NOON + HOUR - timedelta(minutes=5), NOON + HOUR, NOON + HOUR + GRACE):
        assert behind(nurture, [answer], now=now) == answer


def test_nobody_waits_for_a_touch_that_no_longer_comes():
    """Halted meanwhile: its word lapses ten minutes after its moment."""
    answer = waiter(touch(1, lane="now"), NOON)
    assert behind(touch(2), [answer], now=NOON + GRACE + timedelta(seconds=1)) is None


def test_the_more_urgent_waits_for_nobody_and_equals_take_turns_as_they_come():
    """Lane now passes what waits in lane later; two of lane later do not hold each other up."""
    nurture = waiter(touch(1), NOON)
    assert behind(touch(2, lane="now"), [nurture]) is None
    assert behind(touch(2), [nurture]) is None


def test_a_touch_that_takes_nothing_away_goes():
    """An e-mail is not counted by a cap on texts and calls; of one round both go."""
    call = touch(1, "voice", lane="now")
    assert behind(touch(2, "voice"), [waiter(call, NOON)]) is not None
    same = touch(3, "email").model_copy(update={"contact_round": call.contact_round})
    assert behind(same, [waiter(call, NOON)]) is None


def test_who_has_no_place_anyway_holds_nobody_up():
    """Somebody else was sent meanwhile: the waiting one is full for other reasons."""
    answer = waiter(touch(1, lane="now"), NOON)
    history = [PastContact("x", "sms", NOON - HOUR, "e:1")]
    assert behind(touch(2, "email"), [answer], history=history) is None


@given(
    ages=st.lists(st.integers(1, 72), max_size=4),
    first=st.sampled_from(["sms", "voice", "email"]),
    second=st.sampled_from(["sms", "voice", "email"]),
    opens=st.integers(0, 48),
)
def test_going_second_never_costs_the_more_urgent_its_place(ages, first, second, opens):
    """Where a touch is let go, the one that waits has its place at its moment all the same."""
    history = [PastContact(f"t{n}", "sms", NOON - a * HOUR, f"e{n}:1") for n, a in enumerate(ages)]
    urgent = waiter(touch(1, first, lane="now"), NOON + opens * HOUR)
    own = touch(2, second)

    def room(past):
        return caps(
            first, round=urgent.round, history=past, where=OHIO, now=urgent.opens_at,
            house=ONE_A_DAY,
        ).allowed  # fmt: skip

    if behind(own, [urgent], history=history) is None and room(history):
        sent = PastContact(str(own.touch_id), second, NOON, own.contact_round)
        assert room([*history, sent])
