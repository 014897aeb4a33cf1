from datetime import UTC, datetime, timedelta, timezone

import pytest

from followup_runtime.clocks import SteppingClock

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


class Machine:
    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


def test_business_time_flows_with_machine_time_and_jumps():
    """An hour's jump, then a second's flow."""
    machine = Machine()
    clock = SteppingClock(NOON, monotonic=machine)
    machine.now += 1.5
    assert clock() == NOON + timedelta(seconds=1.5)
    clock.jump(NOON + timedelta(hours=1))
    machine.now += 1
    assert clock() == NOON + timedelta(hours=1, seconds=1)


def test_a_clock_tells_utc_whatever_zone_it_is_set_in():
    """Aware UTC everywhere."""
    berlin = timezone(timedelta(hours=1))
    clock = SteppingClock(NOON.astimezone(berlin), monotonic=Machine())
    assert clock().tzinfo is UTC
    clock.jump((NOON + timedelta(days=1)).astimezone(berlin))
    assert clock() == NOON + timedelta(days=1)
    assert clock().tzinfo is UTC


def test_business_time_never_goes_back():
    """What was due stays due."""
    clock = SteppingClock(NOON, monotonic=Machine())
    with pytest.raises(ValueError, match="only goes forward"):
        clock.jump(NOON - timedelta(microseconds=1))


def test_a_naive_time_is_refused():
    """Nobody knows which moment it means."""
    with pytest.raises(ValueError, match="aware"):
        SteppingClock(datetime(2026, 1, 1))  # noqa: DTZ001 - the mistake under test
