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
    evidence.texts(*question)
    moment[0] += SHARE * 10 - 1
    assert SHARE * 10 > FRESH
    assert evidence.stale() == []
    moment[0] += 1
    assert evidence.stale() == [question]


def test_what_was_asked_for_longest_ago_makes_room():
    """Two thousand questions are kept, those asked last."""
    evidence = Evidence(monotonic=lambda: 0.0)
    for number in range(2_001):
        evidence.hours(UUID(int=1))
        evidence.hours(UUID(int=number + 2))
    kept = {tenant for tenant, _ in evidence.stale()}
    assert len(kept) == 2_000
    assert UUID(int=1) in kept
    assert UUID(int=2) not in kept
