"""How long a vendor may keep a text: never into hours in which it must not arrive."""

from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup_contracts.commands import SendTouch
from followup_dispatcher.core.validity import LONGEST, ON_THE_WAY, SHORTEST, valid_for
from followup_policy.house import HouseHours, HouseRules
from followup_policy.quiet import quiet_hours
from followup_policy.zones import Place, whereabouts

NEW_YORK = whereabouts(Place(country="US", state="NY", postal_code="10001", phone="+12125550100"))
CLOCK = ZoneInfo("America/New_York")
MONDAY = datetime(2026, 3, 2, tzinfo=CLOCK)
EARLY_CLOSING = HouseRules(rows=(HouseHours(channels=("sms",), mon_fri=["09:00-17:00"]).statute(),))
SECOND = timedelta(seconds=1)


def touch(channel="sms", **fields) -> SendTouch:
    ids = dict.fromkeys(("touch_id", "enrollment_id", "lead_id", "person_id"), UUID(int=1))
    return SendTouch(
        **ids,
        channel=channel,
        lane="now",
        round=1,
        epoch=0,
        sequence="d1",
        version=1,
        step="hello",
        contact_round="e:hello",
        template="t",
        due_at=MONDAY,
        **fields,
    )


def at(hour: int, minute: int = 0) -> datetime:
    return (MONDAY + timedelta(hours=hour, minutes=minute)).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "house", "ends"),
    [
        (at(12), None, at(16)),
        (at(19, 30), None, at(21)),
        (at(16, 30), EARLY_CLOSING, at(17)),
        (at(16, 58), EARLY_CLOSING, at(17)),
    ],
    ids=["four hours", "the law's night", "the house's evening", "its last minutes"],
)
def test_a_text_lapses_with_the_hours_of_law_and_house(now, house, ends):
    """Counted from when the vendor has it, which is a little later than now."""
    given_ = valid_for(touch(), where=NEW_YORK, now=now, house=house or HouseRules())
    assert now + given_ + ON_THE_WAY == ends


def test_what_does_not_queue_has_no_such_time_and_a_touch_may_end_sooner():
    """Letters wait nowhere that a time would bound; a reminder ends with its appointment."""
    assert valid_for(touch("email"), where=NEW_YORK, now=at(12)) is None
    ends = at(12, 20)
    assert (
        valid_for(touch(not_after=ends), where=NEW_YORK, now=at(12)) == ends - at(12) - ON_THE_WAY
    )


@given(st.integers(0, 7 * 24 * 60), st.sampled_from([HouseRules(), EARLY_CLOSING]))
def test_it_never_reaches_into_hours_that_are_closed(minutes, house):
    """Wherever it begins, at every minute until its end contact is open."""
    now = at(0, minutes)
    if not quiet_hours("sms", where=NEW_YORK, now=now, house=house).allowed:
        return
    given_ = valid_for(touch(), where=NEW_YORK, now=now, house=house)
    assert SHORTEST <= given_ <= LONGEST
    moment = now
    while moment < now + given_:
        assert quiet_hours("sms", where=NEW_YORK, now=moment, span=SECOND, house=house).allowed
        moment += timedelta(minutes=7)
