from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from followup_scheduler.core.model import TouchKey
from followup_scheduler.touch import Touch
from followup_scheduler.windows import admit, line_of

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
TENANTS = (UUID(int=1), UUID(int=2))


def touch(number: int, tenant: int, channel: str, *, outstanding: bool) -> Touch:
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
        lane="later",
        content="hello",
        template="hash",
        contact_round="round",
        due_at=NOW,
        outstanding=outstanding,
    )


waiting = st.lists(
    st.tuples(st.integers(0, 1), st.sampled_from(["sms", "email"]), st.booleans()), max_size=40
).map(
    lambda rows: [
        touch(i, tenant, channel, outstanding=place)
        for i, (tenant, channel, place) in enumerate(rows)
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
        if any(line_of(t) == line for t in later):
            assert taken.get(line, 0) + len(new) >= window


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
