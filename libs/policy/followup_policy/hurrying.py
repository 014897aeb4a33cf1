"""Sentences, and which of them hurry (R10)."""

import re
from collections.abc import Iterator, Sequence

from followup_policy.phrases import phrases

_SENTENCE = re.compile(r"(?<=[.!?…])\s+|\n\s*\n|\n(?=[-*•])")


def sentences(text: str) -> list[str]:
    """A text cut into its sentences; a paragraph or a point of a list ends one too."""
    return _SENTENCE.split(text)


def hurrying(said: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Which of these sentences hurry, by number, and the words that do."""
    for number, sentence in enumerate(said):
        for phrase in phrases("urgent").found_in(sentence):
            yield number, phrase


def beside(said: Sequence[str], number: int) -> str:
    """A sentence with the one before it and the one after."""
    return " ".join(said[max(0, number - 1) : number + 2])
