import pytest

from followup_suppression import ACKNOWLEDGE_AFTER, LEASE, StopFence


class Time:
    """Monotonic time that passes only while somebody sleeps, and rings early."""

    def __init__(self, *, early: float = 0.0) -> None:
        self.now = 100.0
        self.early = early
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += max(seconds - self.early, 0.001)


@pytest.mark.parametrize("early", [0.0, 0.02])
async def test_the_answer_waits_from_the_commit_on(early):
    """Not a moment less than 250 ms, even if a timer rings early."""
    time = Time(early=early)
    fence = StopFence(monotonic=time.monotonic, sleep=time.sleep)
    committed_at = fence.moment()
    time.now += 0.1
    await fence.settle(committed_at)
    assert time.now >= committed_at + ACKNOWLEDGE_AFTER
    assert time.slept[0] == pytest.approx(0.15)


async def test_what_has_passed_already_is_not_waited_for_again():
    """A slow answer needs no wait."""
    time = Time()
    fence = StopFence(monotonic=time.monotonic, sleep=time.sleep)
    await fence.settle(time.now - 0.3)
    assert time.slept == []


def test_a_lease_ends_well_before_a_stop_is_answered():
    """The whole fence: a claim that missed the stop has begun its call by the answer."""
    assert LEASE + 0.1 <= ACKNOWLEDGE_AFTER
