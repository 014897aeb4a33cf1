from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from followup_dispatcher.core.slots import Run, allot

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
RUNS = st.builds(
    Run,
    start=st.just(NOW),
    granted=st.integers(0, 60),
    every=st.timedeltas(timedelta(milliseconds=1), timedelta(seconds=5)),
)
COSTS = st.lists(st.integers(1, 10), max_size=40)


@given(run=RUNS, costs=COSTS)
def test_no_more_slots_are_handed_out_than_were_granted(run, costs):
    """What is charged never exceeds the run."""
    moments = allot(run, costs)
    assert len(moments) == len(costs)
    used = sum(cost for cost, moment in zip(costs, moments, strict=True) if moment is not None)
    assert used <= run.granted


@given(run=RUNS, costs=COSTS)
def test_touches_stand_apart_by_what_the_one_before_costs(run, costs):
    """Each begins where the one before it has used its slots up; the first at the start."""
    moments = [moment for moment in allot(run, costs) if moment is not None]
    expected = run.start
    for moment, cost in zip(moments, costs, strict=False):
        assert moment == expected
        expected += cost * run.every


@given(run=RUNS, costs=COSTS)
def test_nobody_passes_a_touch_that_did_not_fit(run, costs):
    """The first that finds no slot ends the run for everybody behind it."""
    moments = allot(run, costs)
    served = [moment is not None for moment in moments]
    assert served == sorted(served, reverse=True)


@given(run=RUNS)
def test_the_estimate_lies_behind_the_last_slot(run):
    """What got none is told a moment at which the run is over."""
    moments = [m for m in allot(run, [1] * (run.granted + 1)) if m is not None]
    assert len(moments) == run.granted
    assert all(moment < run.free_again for moment in moments)
    assert run.free_again == NOW + run.granted * run.every
