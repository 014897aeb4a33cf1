from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from followup_scheduler.core.model import TouchKey
from followup_scheduler.touch import Touch
from followup_scheduler.windows import admit, in_turns, line_of, room, worthwhile

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
TENANTS = (UUID(int=1), UUID(int=2))


def touch(
    number: int, tenant: int, channel: str, *, outstanding: bool, lane: str = "later"
) -> Touch:
    return Touch(
        id=UUID(int=1000 + number),
        tenant_id=TENANTS[tenant],
        enrollment_id=UUID(int=number),
        lead_id=UUID(int=number),
        person_id=UUID(int=number),
        sequence="d1",
        version=1,
        key=TouchKey("day-0", 0, channel),
        state="planned",
        epoch=0,
        lane=lane,
        content="hello",
        template="hash",
        contact_round="round",
        due_at=NOW,
        outstanding=outstanding,
    )


waiting = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.sampled_from(["sms", "email"]),
        st.booleans(),
        st.sampled_from(["now", "later"]),
    ),
    max_size=40,
).map(
    lambda rows: [
        touch(i, tenant, channel, outstanding=place, lane=lane)
        for i, (tenant, channel, place, lane) in enumerate(rows)
    ]
)
counts = st.dictionaries(
    st.tuples(st.sampled_from(TENANTS), st.sampled_from(["sms", "email"])), st.integers(0, 12)
)


@given(waiting, counts, st.integers(1, 10))
def test_no_window_is_ever_overfilled_and_no_touch_lost(touches, taken, window):
    """Every touch is admitted or waits; new places never go beyond the window."""
    admitted, later = admit(touches, taken, window=window)
    assert sorted(t.id for t in admitted + later) == [t.id for t in touches]
    for line in {line_of(t) for t in touches}:
        new = [t for t in admitted if line_of(t) == line and not t.outstanding]
        assert len(new) <= max(0, window - taken.get(line, 0))
        for lane in {t.lane for t in later if line_of(t) == line}:
            assert taken.get(line, 0) + len(new) >= room(window, lane)


@given(waiting, counts, st.integers(1, 10))
def test_one_tenant_never_waits_for_another(touches, taken, window):
    """What is admitted of a tenant and channel does not depend on the others."""
    admitted, _ = admit(touches, taken, window=window)
    for line in {line_of(t) for t in touches}:
        alone, _ = admit([t for t in touches if line_of(t) == line], taken, window=window)
        assert [t.id for t in alone] == [t.id for t in admitted if line_of(t) == line]


def test_a_touch_with_a_place_goes_even_where_the_window_is_full():
    """Deferred by a rate it is outstanding already and needs no second place."""
    placed = touch(1, 0, "sms", outstanding=True)
    fresh = touch(2, 0, "sms", outstanding=False)
    admitted, later = admit([fresh, placed], {(TENANTS[0], "sms"): 5}, window=5)
    assert admitted == [placed]
    assert later == [fresh]


@given(st.integers(0, 5000))
def test_a_campaign_leaves_room_for_the_tenants_fresh_leads(window):
    """However long it is, a quarter of the places is not its own."""
    campaign = [touch(n, 0, "sms", outstanding=False) for n in range(12)]
    fresh = touch(99, 0, "sms", outstanding=False, lane="now")
    places = room(window, "later")
    admitted, later = admit(campaign, {line_of(fresh): max(0, places - 3)}, window=window)
    assert len(admitted) == min(places, 3)
    after, _ = admit([fresh], {line_of(fresh): places}, window=window)
    assert after == ([fresh] if window >= 4 else [])
    assert len(admitted) + len(later) == len(campaign)


@given(st.integers(1, 5000), st.sampled_from(["now", "later"]))
def test_a_full_window_is_looked_at_again_once_there_is_room(window, lane):
    """Never while it is full, and always once it is empty."""
    assert 0 <= worthwhile(window, lane) < room(window, lane)


@given(waiting)
def test_lines_take_turns(touches):
    """Nobody has a second touch before everybody with one more has had as many."""
    turned = in_turns(touches)
    assert sorted(t.id for t in turned) == sorted(t.id for t in touches)
    for line in {line_of(t) for t in touches}:
        of_line = [t for t in touches if line_of(t) == line]
        assert [t for t in turned if line_of(t) == line] == of_line
        for place, own in enumerate(of_line):
            before = turned[: turned.index(own)]
            for other in {line_of(t) for t in touches} - {line}:
                assert sum(line_of(t) == other for t in before) <= place + 1
