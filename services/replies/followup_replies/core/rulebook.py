"""What rules are and how the ones that may apply are found.

All languages are tried on every text: a text message does not say its language, and people
mix them.
"""

import functools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Generic, Literal, TypeVar

from followup_replies.core.folding import Sentence
from followup_replies.core.intents import Intent
from followup_replies.core.phrases import Phrase

Keyword = Literal["stop", "start", "help"]
_SHORTEST_STEM, _LONGEST_STEM = 2, 24
_Owner = TypeVar("_Owner")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what people say, what it means and how surely (0 to 1).

    `stops`: whoever says so must get no more messages. `negatable`: means nothing behind a
    "not". `asked`: True fires only in questions, False only outside them, None in both.
    `unless`: fires not in a sentence that says one of these.
    """

    name: str
    language: str
    intent: Intent
    weight: float
    stops: bool
    negatable: bool
    asked: bool | None
    unless: tuple[Phrase, ...]
    at_most_words: int | None


@dataclass(frozen=True, slots=True)
class Span:
    """Words `start` up to `end` of a sentence."""

    start: int
    end: int


class PhraseIndex(Generic[_Owner]):
    """Phrases by the word they begin with, so that a text tries only those it might hold."""

    def __init__(self, phrases: Iterable[tuple[Phrase, _Owner]]) -> None:
        self._words: defaultdict[str, list[tuple[Phrase, _Owner]]] = defaultdict(list)
        self._stems: defaultdict[str, list[tuple[Phrase, _Owner]]] = defaultdict(list)
        for phrase, owner in phrases:
            for head in phrase.heads:
                if head.endswith("*"):
                    self._stems[head[:-1]].append((phrase, owner))
                else:
                    self._words[head].append((phrase, owner))
        # Words repeat; the bound keeps strange ones from piling up.
        self._candidates = functools.lru_cache(maxsize=2_048)(self._beginning_with)

    def find(self, sentence: Sentence) -> Iterator[tuple[_Owner, Span]]:
        """Give every place where a phrase stands, by its owner."""
        words = ("^", *sentence.words, "$")
        line = " " + " ".join(words) + " "
        offset = 0
        for position, word in enumerate(words):
            for phrase, owner in self._candidates(word):
                found = phrase.pattern.match(line, offset)
                if found is not None:
                    length = len(found.group().replace(" ^", "").replace(" $", "").split())
                    start = max(position - 1, 0)
                    yield owner, Span(start, start + length)
            offset += len(word) + 1

    def _beginning_with(self, word: str) -> tuple[tuple[Phrase, _Owner], ...]:
        found = list(self._words.get(word, ()))
        for length in range(_SHORTEST_STEM, min(len(word), _LONGEST_STEM) + 1):
            found.extend(self._stems.get(word[:length], ()))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Rulebook:
    """The rules of every language together.

    `idioms` hold words of an opt-out and are none ("stop by"); `footers` are what our own
    messages say about opting out; `thumbs` are keywords that are read through a slip of the
    thumb, `cried` those that mean it at the beginning of a text in capitals; `joints` are words
    between clauses; `automatic` are texts that no person typed, `absences` those of them that
    say when somebody is back.
    """

    rules: PhraseIndex[Rule]
    idioms: PhraseIndex[None]
    footers: PhraseIndex[None]
    automatic: PhraseIndex[None]
    absences: PhraseIndex[None]
    negators: frozenset[str]
    keywords: Mapping[str, Keyword]
    thumbs: tuple[str, ...]
    cried: frozenset[str]
    courtesies: frozenset[str]
    joints: frozenset[str]
    spellings: Mapping[str, str]
    near: tuple[str, ...]
    common: Mapping[str, frozenset[str]]

    def without_footers(self) -> "Rulebook":
        """Give the same rules for a text in which a footer is what its sender says."""
        return replace(self, footers=PhraseIndex(()))
