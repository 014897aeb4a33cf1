"""What a text has in it that its meaning can be told by.

Words and their beginnings, pairs of words (next to each other, over one between, and
anywhere in one sentence), runs of letters, and whether something is asked. The trainer
(`tools/learn.py`) and the reader use this one function; whoever changes it trains anew.
"""

import itertools
from collections.abc import Iterable, Iterator
from typing import Final

from followup_replies.core.folding import Sentence

TOGETHER: Final = "&"
"""Between two words of one sentence, in the order of the alphabet."""
_STEM: Final = 5
_RUN: Final = 4
"""Letters that words have in common though they are written differently."""
_LONGEST: Final = 40
"""Different words up to which a sentence gives its pairs: their number grows by the square."""


def features(read: Iterable[Sentence]) -> set[str]:
    """Give the features of a text; their number grows with its length, not by its square."""
    found: set[str] = set()
    for sentence in read:
        found.update(_of(sentence.words))
        if sentence.asks:
            found.add("?")
    return found


def _of(words: tuple[str, ...]) -> Iterator[str]:
    edged = ("^", *words, "$")
    yield from words
    yield from (f"{word[:_STEM]}*" for word in words if len(word) > _STEM)
    yield from (f"{before} {after}" for before, after in itertools.pairwise(edged))
    yield from (f"{before} _ {after}" for before, after in zip(edged, edged[2:], strict=False))
    different = sorted(set(words))
    if len(different) <= _LONGEST:
        pairs = itertools.combinations(different, 2)
        yield from (f"{one}{TOGETHER}{other}" for one, other in pairs)
    for word in different:
        yield from _runs(f"<{word}>")


def _runs(word: str) -> Iterator[str]:
    return (f"#{word[start : start + _RUN]}" for start in range(len(word) - _RUN + 1))
