from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from hypothesis import given
from hypothesis import strategies as st

from followup_database import new_id
from followup_database.ids import smallest_id
from followup_dispatcher.core.memory import REMEMBERED, forgotten

KEPT_MONTHS = 61  # migrations/versions/0003_needed_months.py
CALLBACKS_AND_CAPS = timedelta(days=100)
FIRST = datetime(2025, 1, 1, tzinfo=UTC)
MOMENTS = st.timedeltas(timedelta(0), timedelta(days=35 * 365)).map(lambda age: FIRST + age)


def made_at(moment: datetime) -> UUID:
    return UUID(int=smallest_id(moment).int | (7 << 76) | (2 << 62))


def dropped_on(moment: datetime) -> datetime:
    """The first instant at which the month that holds a moment may be dropped."""
    months = moment.year * 12 + moment.month - 1 + KEPT_MONTHS + 1
    return datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)


@given(made=MOMENTS)
def test_a_touch_is_refused_long_before_its_attempts_are_dropped(made):
    """What is dropped was attempted so long ago that no cap and no callback asks for it."""
    assert forgotten(made_at(made), now=dropped_on(made) - CALLBACKS_AND_CAPS)


@given(made=MOMENTS, age=st.timedeltas(timedelta(days=-1), REMEMBERED - timedelta(milliseconds=1)))
def test_a_touch_of_the_last_years_is_remembered(made, age):
    """A clock that is a little off included."""
    assert not forgotten(made_at(made), now=made + age)


def test_an_id_that_names_no_moment_is_not_refused_for_its_age():
    """Only a version 7 says when it was made."""
    far = datetime(2100, 1, 1, tzinfo=UTC)
    assert not forgotten(uuid4(), now=far)
    assert forgotten(new_id(), now=far)
