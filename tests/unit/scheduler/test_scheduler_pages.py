from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup_scheduler import pages

moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive by hypothesis' rule


@given(moments, st.uuids())
def test_a_cursor_says_where_the_page_ended(moment: datetime, id_: UUID):
    """Whatever was written is read again."""
    assert pages.read(pages.write(moment, id_)) == (moment, id_)


@given(st.text(max_size=60))
def test_a_cursor_of_somebody_elses_making_is_refused(text: str):
    """Any text either is a cursor or raises BadCursor, and nothing else."""
    try:
        moment, _ = pages.read(text)
    except pages.BadCursor:
        return
    assert moment.tzinfo is not None


@pytest.mark.parametrize("cursor", ["", "!!", "W10", "WyIyMDI2LTAxLTAxIiwgMV0"])
def test_broken_cursors_are_refused(cursor: str):
    """Neither base64, nor JSON, nor the wrong shape pass."""
    with pytest.raises(pages.BadCursor):
        pages.read(cursor)


@pytest.mark.parametrize("told", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_moment_the_database_has_no_name_for_is_refused(told: str):
    """A made-up cursor from the edge of the calendar is a bad cursor."""
    forged = urlsafe_b64encode(orjson.dumps([told, str(UUID(int=0))])).decode()
    with pytest.raises(pages.BadCursor):
        pages.read(forged)
