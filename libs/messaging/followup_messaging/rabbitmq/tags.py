"""Which delivery tags a channel still owes the broker an answer for."""

from collections.abc import Iterable
from dataclasses import dataclass

_PLACES = 16
"""Bits of a part's tag that say which part it is: a bundle has fewer than 65,536 events."""


@dataclass(frozen=True, slots=True)
class Ack:
    """One acknowledgement; `multiple` covers every tag up to this one too."""

    tag: int
    multiple: bool


class OpenTags:
    """Tags delivered and not settled. A channel's tags only rise, so the first is the lowest.

    A delivery is settled when all its parts are; parts have tags of their own.
    """

    def __init__(self) -> None:
        self._open: dict[int, set[int]] = {}
        self._parts = 0

    def __len__(self) -> int:
        """Parts that are open."""
        return self._parts

    def deliver(self, tag: int, parts: int = 1) -> list[int]:
        """One more arrived, in so many parts; returns the parts' tags."""
        self._open[tag] = {tag << _PLACES | place for place in range(parts)}
        self._parts += parts
        return sorted(self._open[tag])

    def settle(self, parts: Iterable[int]) -> list[Ack]:
        """The fewest acknowledgements that cover these parts and nothing that is still open.

        Parts that are not open (settled before) are left out: answering a tag twice
        makes the broker close the channel.
        """
        done = sorted(self._finished(parts))
        lowest = next(iter(self._open), None)
        below = [tag for tag in done if lowest is None or tag < lowest]
        acks = [Ack(below[-1], multiple=len(below) > 1)] if below else []
        return acks + [Ack(tag, multiple=False) for tag in done[len(below) :]]

    def refuse(self, part: int) -> int | None:
        """The tag to refuse for a part: its delivery's, if nothing else of it is open."""
        return next(iter(self._finished([part])), None)

    def _finished(self, parts: Iterable[int]) -> list[int]:
        finished = []
        for part in set(parts):
            tag = part >> _PLACES
            left = self._open.get(tag)
            if left is None or part not in left:
                continue
            left.discard(part)
            self._parts -= 1
            if not left:
                del self._open[tag]
                finished.append(tag)
        return finished
