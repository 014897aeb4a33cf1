"""What thumbs make of a word: a key beside the right one, one too many, two crossed.

Where a message is one word, and no word at all, the keyword a thumb away is what was meant:
"STIP", "Sropp", "cancwl". Keyboards are taken to be QWERTY; others differ in a few keys.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Final

from followup_replies.core.spelling import slips

_ROWS: Final = ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm")
_SHORTEST: Final = 4
"""Letters of a word that a wrong one leaves recognisable; of shorter ones some may be doubled."""
_LONG: Final = 6
"""Letters from which on one may be missing: without one "stop" is "top", "quit" "qut"."""


def is_slip(word: str, targets: Iterable[str]) -> bool:
    """Tell whether `word` is one of `targets` but for doubled letters and one slip."""
    read = {word, _squeezed(word)}
    return any(
        target in read
        or (len(target) >= _SHORTEST and any(_slipped(each, target) for each in read))
        for target in targets
    )


def _slipped(word: str, target: str) -> bool:
    """Tell whether one slip at most makes `word` of `target`."""
    if slips(word, target, at_most=1) > 1:
        return False
    if len(word) < len(target):
        return len(target) >= _LONG
    if len(word) == len(target):
        wrong = [(one, other) for one, other in zip(word, target, strict=True) if one != other]
        return len(wrong) != 1 or _beside(*wrong[0])
    at = next((n for n, wanted in enumerate(target) if word[n] != wanted), len(target))
    around = target[max(at - 1, 0) : at + 1]
    return any(_beside(word[at], letter) or word[at] == letter for letter in around)


def _beside(one: str, other: str) -> bool:
    return other in _BESIDE.get(one, ())


def _squeezed(word: str) -> str:
    """Leave of each run of a letter one: "sstopp"."""
    return "".join(letter for n, letter in enumerate(word) if n == 0 or word[n - 1] != letter)


def _pairs() -> Iterator[tuple[str, str]]:
    """Keys that touch: each row is shifted to the right of the one above it by half a key."""
    for row in _ROWS:
        yield from pairwise(row)
    for above, below in pairwise(_ROWS):
        yield from zip(above, below, strict=False)
        yield from zip(above[1:], below, strict=False)


_BESIDE: Final = {
    key: frozenset(other for pair in _pairs() if key in pair for other in pair if other != key)
    for row in _ROWS
    for key in row
}
