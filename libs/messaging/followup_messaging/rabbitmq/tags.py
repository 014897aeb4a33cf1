"""Which delivery tags a channel still owes the broker an answer for."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ack:
    """One acknowledgement; `multiple` covers every tag up to this one too."""

    tag: int
    multiple: bool


class OpenTags:
    """Tags delivered and not settled. A channel's tags only rise, so the first is the lowest."""

    def __init__(self) -> None:
        self._open: dict[int, None] = {}

    def __len__(self) -> int:
        return len(self._open)

    def deliver(self, tag: int) -> None:
        """One more arrived."""
        self._open[tag] = None

    def settle(self, tags: Iterable[int]) -> list[Ack]:
        """The fewest acknowledgements that cover these tags and not one that is still open.

        Tags that are not open (settled before) are left out: answering one twice
        makes the broker close the channel.
        """
        done = sorted(tag for tag in set(tags) if tag in self._open)
        for tag in done:
            del self._open[tag]
        lowest = next(iter(self._open), None)
        below = [tag for tag in done if lowest is None or tag < lowest]
        acks = [Ack(below[-1], multiple=len(below) > 1)] if below else []
        return acks + [Ack(tag, multiple=False) for tag in done[len(below) :]]
