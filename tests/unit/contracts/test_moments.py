from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from followup_contracts.payload import Moment

moments = TypeAdapter(Moment)


def test_a_moment_is_kept_in_utc():
    """Whatever the clock it was told by."""
    told = moments.validate_python("2026-11-23T10:00:00-05:00")
    assert (told, told.tzinfo) == (datetime(2026, 11, 23, 15, tzinfo=UTC), UTC)


@pytest.mark.parametrize("told", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_moment_that_utc_has_no_name_for_is_refused(told):
    """The first and the last hours of the calendar are invalid input, not a failure."""
    with pytest.raises(ValidationError, match="years 1 to 9999"):
        moments.validate_python(told)
