from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from followup_dispatcher.core.breaker import LIMIT, PAUSES, Breaker


def opened(times: int = 1) -> tuple[Breaker, float]:
    """A breaker whose trials have failed so often, at the moment it opened."""
    breaker, now = Breaker(), 0.0
    for _ in range(LIMIT):
        breaker = breaker.failed(now)
    for _ in range(times - 1):
        now = breaker.until
        breaker = breaker.begun(now).failed(now)
    return breaker, now


def test_it_opens_at_the_fifth_failure_in_a_row():
    """Four may happen; a success in between begins the count anew."""
    breaker = Breaker()
    for _ in range(LIMIT - 1):
        breaker = breaker.failed(0.0)
    assert breaker.allows(0.0)
    assert breaker.succeeded(0.0).failed(0.0).allows(0.0)
    assert not breaker.failed(0.0).allows(0.0)


def test_what_is_the_whole_accounts_fault_opens_it_at_once():
    """Refused credentials or "too many" need no second proof; the vendor's pause counts."""
    breaker = Breaker().failed(10.0, at_once=True, pause=42.0)
    assert not breaker.allows(51.9)
    assert breaker.reopens_in(10.0) == 42.0
    assert breaker.allows(52.0)


def test_after_its_pause_one_call_goes_on_trial():
    """A second one waits for the first one's answer."""
    breaker, _ = opened()
    now = breaker.until
    assert breaker.allows(now)
    trial = breaker.begun(now)
    assert not trial.allows(now)
    assert trial.succeeded(now) == Breaker()


def test_each_failed_trial_closes_the_account_for_longer():
    """5, 15, 30, then always 60 s."""
    pauses = []
    for times in range(1, 7):
        breaker, now = opened(times)
        pauses.append(breaker.reopens_in(now))
    assert pauses == [*PAUSES, PAUSES[-1], PAUSES[-1]]


def test_what_was_under_way_does_not_open_it_wider():
    """Answers to calls from before it opened change nothing, bad ones or good ones."""
    breaker, now = opened()
    assert breaker.failed(now + 1) == breaker
    assert breaker.succeeded(now + 1) == breaker


class Account(RuleBasedStateMachine):
    """Any order of calls, answers and time."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker()
        self.now = 1000.0

    @rule(seconds=st.floats(0, 200))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def begin(self) -> None:
        if self.breaker.allows(self.now):
            self.breaker = self.breaker.begun(self.now)

    @rule()
    def succeed(self) -> None:
        self.breaker = self.breaker.succeeded(self.now)
        if self.breaker.until is None:
            assert self.breaker.allows(self.now)

    @rule(at_once=st.booleans(), pause=st.none() | st.floats(0.1, 600))
    def fail(self, at_once: bool, pause: float | None) -> None:  # noqa: FBT001 - hypothesis names it
        before = self.breaker
        self.breaker = before.failed(self.now, at_once=at_once, pause=pause)
        if at_once or before.on_trial:
            assert not self.breaker.allows(self.now)

    @invariant()
    def it_always_opens_again(self) -> None:
        """Nothing keeps an account out for good, unless a trial is under way."""
        if not self.breaker.on_trial:
            later = self.now + self.breaker.reopens_in(self.now) + 1e-6
            assert self.breaker.allows(later)

    @invariant()
    def waiting_and_allowing_agree(self) -> None:
        """It says how long it is closed, and is closed as long."""
        if self.breaker.reopens_in(self.now) > 0:
            assert not self.breaker.allows(self.now)


TestAnyOrder = Account.TestCase


@given(failures=st.integers(0, LIMIT - 1), now=st.floats(0, 1e6))
def test_fewer_failures_than_the_limit_leave_it_closed(failures, now):
    """Whenever they happen."""
    breaker = Breaker()
    for _ in range(failures):
        breaker = breaker.failed(now)
    assert breaker.allows(now)
    assert breaker.reopens_in(now) == 0.0
