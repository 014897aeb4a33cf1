"""Reading the moment a lead came in."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup_intake.core.cells import tidy
from followup_intake.core.dates import read_moment

TODAY = date(2026, 6, 15)


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2026-03-09", (2026, 3, 9)),
        ("2026-03-09 14:05:06", (2026, 3, 9, 14, 5, 6)),
        ("2026-03-09T14:05:06Z", (2026, 3, 9, 14, 5, 6)),
        ("2026-03-09T14:05:06-05:00", (2026, 3, 9, 19, 5, 6)),
        ("2026-03-09T14:05:06.123+0000", (2026, 3, 9, 14, 5, 6)),
        ("20260309", (2026, 3, 9)),
        ("46090", (2026, 3, 9)),
        ("46090.5", (2026, 3, 9, 12)),
        ("1773064800", (2026, 3, 9, 14)),
        ("1773064800000", (2026, 3, 9, 14)),
        ("3/29/2026 2:05 PM", (2026, 3, 29, 14, 5)),
        ("29/03/2026 14:05", (2026, 3, 29, 14, 5)),
        ("3/29/26", (2026, 3, 29)),
        ("09.03.2026 14:05", (2026, 3, 9, 14, 5)),
        ("09-Mar-2026 14:05", (2026, 3, 9, 14, 5)),
        ("Mon, 09 Mar 2026 14:05:06 +0000", (2026, 3, 9, 14, 5, 6)),
        ("March 9, 2026 2:05 PM EST", (2026, 3, 9, 19, 5)),
        ("Mar 9 2026 14:05 GMT", (2026, 3, 9, 14, 5)),
        ("9 mars 2026", (2026, 3, 9)),
        ("9. März 2026", (2026, 3, 9)),
        ("9 de marzo de 2026", (2026, 3, 9)),
        ("05/05/2026", (2026, 5, 5)),
        ("29/02/2024", (2024, 2, 29)),
    ],
)
def test_moments_as_exports_write_them(cell, moment):
    """Whatever names its day without doubt gives a moment in UTC."""
    reading = read_moment(cell, today=TODAY)
    assert reading.fault is None
    assert reading.at.replace(microsecond=0) == datetime(*moment, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cell", "fault"),
    [
        ("", "missing_date"),
        ("n/a", "missing_date"),
        ("03/04/2026", "ambiguous_date"),
        ("03-04-2026", "ambiguous_date"),
        ("3/4/26 13:00", "ambiguous_date"),
        ("2031-01-01", "future_date"),
        ("2126-03-09", "future_date"),
        ("12/25/2026 8:00 AM", "future_date"),
        ("2026-06-17", "future_date"),
        ("2026-13-45", "bad_date"),
        ("31/02/2026", "bad_date"),
        ("29/02/2026", "bad_date"),
        ("13/32/2026", "bad_date"),
        ("########", "bad_date"),
        ("Invalid Date", "bad_date"),
        ("last week", "bad_date"),
        ("0000-00-00", "bad_date"),
        ("1900-01-00", "bad_date"),
        ("2026-03-09 25:00", "bad_date"),
        ("12", "bad_date"),
    ],
)
def test_faults_of_dates(cell, fault):
    """Each fault has its name."""
    assert read_moment(cell, today=TODAY).fault == fault


def test_an_ambiguous_date_is_read_the_countrys_way():
    """The United States put the month first, the United Kingdom does not."""
    american = read_moment("03/04/2026", today=TODAY, country="US")
    british = read_moment("03/04/2026", today=TODAY, country="GB")
    assert (american.at.month, british.at.month) == (3, 4)


def test_of_two_readings_the_past_one_is_likelier():
    """A lead can't have come in next month."""
    assert read_moment("07/05/2026", today=TODAY, country="US").at.month == 5


def test_tomorrow_is_not_yet_the_future():
    """A zone ahead of ours may already have it."""
    assert read_moment("2026-06-16", today=TODAY).fault is None


@given(st.text(max_size=60))
def test_any_text_is_read(text):
    """No cell raises, and only moments of our time come out."""
    reading = read_moment(tidy(text), today=TODAY)
    assert reading.fault or reading.at.tzinfo is UTC


@given(st.datetimes(datetime(2000, 1, 1), datetime(2026, 6, 14), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis wants naive bounds
def test_iso_dates_survive(moment):
    """What another program wrote in ISO 8601 comes back to the second."""
    reading = read_moment(moment.replace(microsecond=0).isoformat(), today=TODAY)
    assert reading.at == moment.replace(microsecond=0)
