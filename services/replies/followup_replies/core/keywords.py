"""Whole messages that are a keyword: STOP, START, HELP and their like.

The words per language stand in `rules/*.yaml`. STOP, QUIT, END, REVOKE, OPT OUT, CANCEL and
UNSUBSCRIBE revoke consent whatever else was agreed (47 CFR 64.1200(a)(10)); vendors match
the bare word only, here case, accents, punctuation, invisible characters, repetition,
courtesies ("stop please") and one slip of the thumb make no difference. YES is no START: it
would undo a STOP when it answers something else.
"""

import re
from collections.abc import Iterator
from typing import Final

from followup_replies.core.folding import Sentence, fold, sentences
from followup_replies.core.matching import masked, well_spelt
from followup_replies.core.rulebook import Keyword, Rulebook
from followup_replies.core.rulefiles import rulebook
from followup_replies.core.thumbs import is_slip

_WRITTEN: Final = re.compile(r"[^\W_]+")
_LONGEST: Final = 12
"""Words of the longest message that can be a keyword with courtesies around it."""
_SPLIT: Final = range(4, 15)
"""Letters of a keyword that is read through blanks within it: "ST OP", "unsub scribe"."""
_SPELT_OUT: Final = 3
"""Letters of a shorter one, read where each stands alone: "E N D", but not "en d"."""


def keyword_of(body: str, *, book: Rulebook | None = None) -> Keyword | None:
    """Give the keyword that `body` is as a whole, or None."""
    book = book or rulebook()
    return keyword_in(well_spelt(sentences(fold(body)), book=book), book=book, whole=True)


def keyword_in(
    read: tuple[Sentence, ...], *, book: Rulebook, whole: bool = False
) -> Keyword | None:
    """The same for a text already cut into sentences, or for one of them.

    `whole`: it is all that was written, so that a word that is none is read as the keyword it
    is a slip of; within a text "stool" and "strop" are words.
    """
    words = [word for sentence in read for word in sentence.words]
    if not words or len(words) > _LONGEST:
        return None
    for inner in _without_ends(words, book.courtesies):
        found = book.keywords.get(" ".join(inner))
        if found is not None:
            return found
    letters = sum(map(len, words))
    if (len(words) > 1 and letters in _SPLIT) or letters == len(words) == _SPELT_OUT:
        closed = book.keywords.get("".join(words))
        if closed is not None:
            return closed
    bare = list(dict.fromkeys(word for word in words if word not in book.courtesies))
    found = book.keywords.get(" ".join(bare))
    if found is None and whole and len(bare) == 1 and is_slip(bare[0], book.thumbs):
        return "stop"
    return found


def stop_cried(own: str, read: tuple[Sentence, ...], *, book: Rulebook) -> bool:
    """Tell whether a text begins or ends with a stop word in capitals, beside others that are not.

    "see you saturday then, also STOP", "STOP cant afford it": whoever types no full stop still
    means the keyword. `read` are the sentences of `own`; what tells others to reply STOP counts
    for nothing. At the beginning only words that are one in every sentence count.
    """
    words = _WRITTEN.findall(own)
    if not read or not any(letter.islower() for letter in "".join(words)):
        return False
    first, last = masked(read[0], book=book).words, masked(read[-1], book=book).words
    return (words[-1].isupper() and bool(last) and book.keywords.get(last[-1]) == "stop") or (
        words[0].isupper() and bool(first) and first[0] in book.cried
    )


def _without_ends(words: list[str], courtesies: frozenset[str]) -> Iterator[list[str]]:
    """The words, and what is left of them without some courtesies before and behind.

    A keyword may itself begin with one: "no more, thanks".
    """
    polite = [word in courtesies for word in words]
    for begin in range(len(words)):
        if not all(polite[:begin]):
            return
        for end in range(len(words), begin, -1):
            if not all(polite[end:]):
                break
            yield words[begin:end]
