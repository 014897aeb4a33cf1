"""When what was answered is counted again."""

from uuid import UUID

from followup_scheduler.counting import FRESH, SHARE, Evidence


def test_a_count_that_takes_long_is_seldom_taken():
    """Once a minute, or after fifty times what it took; one that fails is not tried at once."""
    moment = [100.0]
    evidence = Evidence(monotonic=lambda: moment[0])
    question = (UUID(int=1), "learns")
    evidence.texts(*question)
    assert evidence.stale() == [question]
    begun = evidence.begin(question)
    assert evidence.stale() == []  # if it fails now, it is left alone as well
    moment[0] += 10
    evidence.learn(question, texts={}, hours=None, begun=begun)
    moment[0] += SHARE * 10 - 1
    assert SHARE * 10 > FRESH
    assert evidence.stale() == []
    moment[0] += 1
    assert evidence.stale() == [question]
