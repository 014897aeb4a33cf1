from hypothesis import given
from hypothesis import strategies as st

from followup_messaging.rabbitmq.tags import Ack, OpenTags


def opened(*tags: int) -> OpenTags:
    open_tags = OpenTags()
    for tag in tags:
        open_tags.deliver(tag)
    return open_tags


def test_a_whole_batch_is_one_acknowledgement() -> None:
    """Nothing open below or between: the highest tag covers all."""
    assert opened(1, 2, 3).settle([3, 1, 2]) == [Ack(3, multiple=True)]


def test_what_is_open_below_is_not_covered() -> None:
    """The lowest tag is unfinished, so the others are answered one by one."""
    assert opened(1, 2, 3).settle([2, 3]) == [Ack(2, multiple=False), Ack(3, multiple=False)]


def test_multiple_reaches_only_up_to_the_lowest_open_tag() -> None:
    """Below it in one, above it singly."""
    open_tags = opened(1, 2, 3, 4, 5)
    assert open_tags.settle([1, 2, 4]) == [Ack(2, multiple=True), Ack(4, multiple=False)]
    assert open_tags.settle([3, 5]) == [Ack(5, multiple=True)]


def test_a_tag_is_answered_once() -> None:
    """Settling it again, or one that never came, answers nothing."""
    open_tags = opened(1, 2)
    open_tags.settle([1])
    assert open_tags.settle([1, 9]) == []
    assert len(open_tags) == 1


@given(st.data())
def test_the_broker_ends_up_with_exactly_what_was_settled(data: st.DataObject) -> None:
    """Whatever order batches are settled in, no answer covers an open tag or a tag twice.

    The model is the broker's side: an answer for a tag it does not know closes the
    channel, `multiple` takes every known tag up to it.
    """
    open_tags = OpenTags()
    known: set[int] = set()
    unsettled: set[int] = set()
    last = 0
    for _ in range(data.draw(st.integers(1, 12))):
        for _ in range(data.draw(st.integers(0, 6))):
            last += 1
            open_tags.deliver(last)
            known.add(last)
            unsettled.add(last)
        batch = data.draw(st.sets(st.sampled_from(sorted(unsettled)))) if unsettled else set()
        again = data.draw(st.sets(st.integers(1, max(last, 1))))
        unsettled -= batch | (again & unsettled)
        for ack in open_tags.settle([*batch, *again]):
            assert ack.tag in known
            known -= {tag for tag in known if tag <= ack.tag} if ack.multiple else {ack.tag}
        assert known == unsettled
        assert len(open_tags) == len(unsettled)
