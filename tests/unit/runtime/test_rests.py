"""What failed is left alone, each time for longer, and for no longer than ten minutes."""

from uuid import UUID

from followup_runtime.rests import FIRST_REST, LONGEST_REST, Rests

ONE, OTHER = UUID(int=1), UUID(int=2)


def test_rests_double_up_to_the_longest():
    """Beside each other: one that goes well changes nothing for another."""
    now = [0.0]
    rests = Rests(lambda: now[0])
    rests.lay_aside(OTHER)
    rests.done(OTHER)
    expected = FIRST_REST
    for _ in range(15):
        rests.lay_aside(ONE)
        now[0] += expected - 0.5
        assert rests.now() == [ONE]
        now[0] += 0.5
        assert rests.now() == []
        expected = min(2 * expected, LONGEST_REST)


def test_what_went_well_begins_anew():
    """So does what another process has done, which nobody here is told of."""
    now = [0.0]
    rests = Rests(lambda: now[0])
    for settled in (lambda: rests.done(ONE), lambda: now.__setitem__(0, now[0] + 2 * LONGEST_REST)):
        rests.lay_aside(ONE)
        now[0] += FIRST_REST
        rests.lay_aside(ONE)
        settled()
        assert rests.now() == []
        rests.lay_aside(ONE)
        now[0] += FIRST_REST
        assert rests.now() == []
        rests.done(ONE)
