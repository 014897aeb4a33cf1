from datetime import UTC, datetime
from uuid import UUID

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
