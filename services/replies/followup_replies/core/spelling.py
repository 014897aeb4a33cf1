"""Slips of the thumb: words close enough to one that matters."""

from collections.abc import Mapping, Sequence

_LONG_WORD = 9
"""Letters from which on two slips leave a word recognisable."""


def corrected(word: str, *, spellings: Mapping[str, str], targets: Sequence[str]) -> str:
    """Give the listed spelling of `word`, the target it nearly is, or the word itself."""
    listed = spellings.get(word)
    if listed is not None:
        return listed
    if len(word) < _LONG_WORD - 1 or not word.isalpha():
        return word
    for target in targets:
        if word.startswith(target[:_LONG_WORD]):
            return word  # well spelt, perhaps with another ending
        if word[0] == target[0] and slips(word, target, at_most=2) <= 2:  # noqa: PLR2004 - two slips
            return target
    return word


def slips(word: str, target: str, *, at_most: int) -> int:
    """Count letters missing, added, wrong or swapped with their neighbour.

    Gives `at_most + 1` as soon as it must be more (optimal string alignment distance).
    """
    if abs(len(word) - len(target)) > at_most:
        return at_most + 1
    before: list[int] = []
    row = list(range(len(target) + 1))
    for i, letter in enumerate(word, start=1):
        before, last, row = row, before, [i]
        for j, wanted in enumerate(target, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == target[j - 2] and word[i - 2] == wanted:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) > at_most:
            return at_most + 1
    return row[-1]
