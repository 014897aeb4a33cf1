from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from followup_dispatcher.core.breaker import LIMIT, PAUSES, SHORTEST, TRIAL, Breaker


def opened(times: int = 1) -> tuple[Breaker, float]:
    """A breaker whose trials have failed so often, at the moment it opened."""
    breaker, now = Breaker(), 0.0
    for _ in range(LIMIT):
        breaker = breaker.failed(now, turn=0)
    for _ in range(times - 1):
        now = breaker.until
        breaker = breaker.begun(now).failed(now, turn=breaker.turn)
    return breaker, now


def test_it_opens_at_the_fifth_failure_in_a_row():
    """Four may happen; a success in between begins the count anew."""
    breaker = Breaker()
    for _ in range(LIMIT - 1):
        breaker = breaker.failed(0.0, turn=0)
    assert breaker.allows(0.0)
    assert breaker.succeeded(turn=0).failed(0.0, turn=0).allows(0.0)
    assert not breaker.failed(0.0, turn=0).allows(0.0)


def test_what_is_the_whole_accounts_fault_opens_it_at_once():
    """Refused credentials need no second proof; the vendor's pause counts."""
    breaker = Breaker().failed(10.0, turn=0, at_once=True, pause=42.0)
    assert not breaker.allows(51.9)
    assert breaker.reopens_in(10.0) == 42.0
    assert breaker.allows(52.0)


def test_a_vendor_that_names_no_pause_worth_the_name_is_left_alone_for_a_second():
    """`Retry-After: 0` would otherwise leave it open for no time at all."""
    breaker = Breaker().failed(10.0, turn=0, at_once=True, pause=0.0)
    assert breaker.reopens_in(10.0) == SHORTEST


def test_after_its_pause_one_call_goes_on_trial():
    """A second one waits for the first one's answer."""
    breaker, _ = opened()
    now = breaker.until
    assert breaker.allows(now)
    trial = breaker.begun(now)
    assert not trial.allows(now)
    assert trial.begun(now) is None
    assert trial.reopens_in(now) == TRIAL
    closed = trial.succeeded(turn=trial.turn)
    assert not closed.proving
    assert closed.allows(now)


def test_a_call_that_never_reached_the_account_leaves_its_trial_to_the_next():
    """Nothing is known of the account yet, so one call is owed as before."""
    breaker, _ = opened()
    now = breaker.until
    trial = breaker.begun(now)
    assert trial.passed(turn=trial.turn) == breaker
    assert trial.passed(turn=trial.turn - 1) == trial


def test_each_failed_trial_closes_the_account_for_longer():
    """5, 15, 30, then always 60 s."""
    pauses = []
    for times in range(1, 7):
        breaker, now = opened(times)
        pauses.append(breaker.reopens_in(now))
    assert pauses == [*PAUSES, PAUSES[-1], PAUSES[-1]]


def test_what_was_under_way_when_it_opened_changes_nothing():
    """Neither while it is open, nor while one is on trial, nor after that."""
    breaker, now = opened()
    trial = breaker.begun(breaker.until)
    closed = trial.succeeded(turn=trial.turn)
    for state in (breaker, trial, closed):
        assert state.failed(now + 6, turn=0, at_once=True) == state
        assert state.succeeded(turn=0) == state
        assert state.passed(turn=0) == state


class Account(RuleBasedStateMachine):
    """Any order of calls, answers and time."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker()
        self.now = 1000.0
        self.calls: list[int] = []
        """The turns of the calls under way."""

    @rule(seconds=st.floats(0, 200))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def begin(self) -> None:
        allowed = self.breaker.allows(self.now)
        begun = self.breaker.begun(self.now)
        assert (begun is not None) == allowed
        if begun is not None:
            self.breaker = begun
            self.calls.append(begun.turn)

    @precondition(lambda self: self.calls)
    @rule(data=st.data())
    def succeed(self, data: st.DataObject) -> None:
        before, turn = self.breaker, self.answered(data)
        self.breaker = before.succeeded(turn=turn)
        if turn == before.turn:
            assert self.breaker.allows(self.now)
        else:
            assert self.breaker == before

    @precondition(lambda self: self.calls)
    @rule(data=st.data())
    def never_arrive(self, data: st.DataObject) -> None:
        self.breaker = self.breaker.passed(turn=self.answered(data))

    @precondition(lambda self: self.calls)
    @rule(data=st.data(), at_once=st.booleans(), pause=st.none() | st.floats(0, 600))
    def fail(self, data: st.DataObject, at_once: bool, pause: float | None) -> None:  # noqa: FBT001 - hypothesis names it
        before, turn = self.breaker, self.answered(data)
        self.breaker = before.failed(self.now, turn=turn, at_once=at_once, pause=pause)
        if turn != before.turn:
            assert self.breaker == before
        elif at_once or before.on_trial:
            assert not self.breaker.allows(self.now)

    def answered(self, data: st.DataObject) -> int:
        """The turn of one of the calls under way, which ends."""
        return self.calls.pop(data.draw(st.integers(0, len(self.calls) - 1)))

    @invariant()
    def one_call_at_most_is_on_trial(self) -> None:
        """From its opening until a call of that turn succeeds there is one at a time."""
        if self.breaker.proving:
            assert self.calls.count(self.breaker.turn) == self.breaker.on_trial

    @invariant()
    def it_always_opens_again(self) -> None:
        """Nothing keeps an account out for good, unless a trial is under way."""
        if not self.breaker.on_trial:
            later = self.now + self.breaker.reopens_in(self.now) + 1e-6
            assert self.breaker.allows(later)

    @invariant()
    def waiting_and_allowing_agree(self) -> None:
        """It says how long it is closed, and is closed as long."""
        assert (self.breaker.reopens_in(self.now) > 0) == (not self.breaker.allows(self.now))


TestAnyOrder = Account.TestCase


@given(failures=st.integers(0, LIMIT - 1), now=st.floats(0, 1e6))
def test_fewer_failures_than_the_limit_leave_it_closed(failures, now):
    """Whenever they happen."""
    breaker = Breaker()
    for _ in range(failures):
        breaker = breaker.failed(now, turn=0)
    assert breaker.allows(now)
    assert breaker.reopens_in(now) == 0.0
