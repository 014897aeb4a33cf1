from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from followup_messaging.rabbitmq.tags import Ack, OpenTags


class Channel:
    """Open tags, and the parts that each delivery came in."""

    def __init__(self, *tags: int, parts: int = 1) -> None:
        self.open = OpenTags()
        self.parts = {tag: self.open.deliver(tag, parts) for tag in tags}

    def settle(self, tags: Iterable[int]) -> list[Ack]:
        """Settle every part of these."""
        return self.open.settle(part for tag in tags for part in self.parts[tag])


def test_a_whole_batch_is_one_acknowledgement() -> None:
    """Nothing open below or between: the highest tag covers all."""
    assert Channel(1, 2, 3).settle([3, 1, 2]) == [Ack(3, multiple=True)]


def test_what_is_open_below_is_not_covered() -> None:
    """The lowest tag is unfinished, so the others are answered one by one."""
    acks = Channel(1, 2, 3).settle([2, 3])
    assert acks == [Ack(2, multiple=False), Ack(3, multiple=False)]


def test_multiple_reaches_only_up_to_the_lowest_open_tag() -> None:
    """Below it in one, above it singly."""
    channel = Channel(1, 2, 3, 4, 5)
    assert channel.settle([1, 2, 4]) == [Ack(2, multiple=True), Ack(4, multiple=False)]
    assert channel.settle([3, 5]) == [Ack(5, multiple=True)]


def test_a_tag_is_answered_once() -> None:
    """Settling it again, or one that never came, answers nothing."""
    channel = Channel(1, 2)
    channel.settle([1])
    assert channel.settle([1]) == []
    assert channel.open.settle([9 << 16]) == []
    assert len(channel.open) == 1


def test_a_bundle_is_answered_with_its_last_part() -> None:
    """However often one part of it is settled."""
    channel = Channel(1, parts=3)
    first, second, third = channel.parts[1]
    assert channel.open.settle([first, third]) == []
    assert channel.open.settle([first, third]) == []
    assert len(channel.open) == 1
    assert channel.open.settle([second]) == [Ack(1, multiple=False)]


def test_a_delivery_is_refused_when_nothing_else_of_it_is_open() -> None:
    """And once."""
    channel = Channel(1, 2)
    assert channel.open.refuse(channel.parts[2][0]) == 2
    assert channel.open.refuse(channel.parts[2][0]) is None
    bundle = Channel(1, parts=2)
    assert [bundle.open.refuse(part) for part in bundle.parts[1]] == [None, 1]


@given(st.data())
def test_the_broker_ends_up_with_exactly_what_was_settled(data: st.DataObject) -> None:
    """Whatever order parts are settled in, no answer covers an open one or a tag twice.

    The model is the broker's side: an answer for a tag it does not know closes the
    channel, `multiple` takes every known tag up to it.
    """
    open_tags = OpenTags()
    known: set[int] = set()
    tag_of: dict[int, int] = {}
    unsettled: set[int] = set()
    last = 0
    for _ in range(data.draw(st.integers(1, 12))):
        for _ in range(data.draw(st.integers(0, 6))):
            last += 1
            parts = open_tags.deliver(last, data.draw(st.integers(1, 4)))
            known.add(last)
            unsettled.update(parts)
            tag_of.update(dict.fromkeys(parts, last))
        some = st.sets(st.sampled_from(sorted(tag_of))) if tag_of else st.just(set[int]())
        batch = data.draw(some)
        unsettled -= batch
        again = data.draw(some) - unsettled
        for ack in open_tags.settle([*batch, *again]):
            assert ack.tag in known
            known -= {tag for tag in known if tag <= ack.tag} if ack.multiple else {ack.tag}
        assert known == {tag_of[part] for part in unsettled}
        assert len(open_tags) == len(unsettled)
