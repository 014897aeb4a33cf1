"""Which rules fire on the sentences of a reply."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from followup_replies.core.folding import Sentence
from followup_replies.core.rulebook import Rule, Rulebook, Span
from followup_replies.core.spelling import corrected

_NEGATION_REACH: Final = 3
"""Words between a "not" and what it turns round: "not really all that interested"."""
MASK: Final = "_"


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule that fired, and where."""

    rule: Rule
    sentence: int
    span: Span


def well_spelt(sentences: tuple[Sentence, ...], *, book: Rulebook) -> tuple[Sentence, ...]:
    """Write slips and text-message spellings the way the rules know them."""
    return tuple(
        replace(
            sentence,
            words=tuple(
                part
                for word in sentence.words
                for part in corrected(word, spellings=book.spellings, targets=book.near).split()
            ),
        )
        for sentence in sentences
    )


def hits(sentences: tuple[Sentence, ...], *, book: Rulebook) -> tuple[Hit, ...]:
    """Find every rule that fires, wherever it does, in the order of the text.

    Rules that stop messages do not see idioms ("stop by", "end of the month").
    """
    total = sum(len(sentence.words) for sentence in sentences)
    return tuple(
        Hit(rule=rule, sentence=number, span=span)
        for number, sentence in enumerate(sentences)
        for rule, span in _fired(sentence, total=total, book=book)
    )


def each_once(found: Iterable[Hit]) -> tuple[Hit, ...]:
    """Leave of each rule the place where it fired first."""
    first: dict[str, Hit] = {}
    for hit in found:
        first.setdefault(hit.rule.name, hit)
    return tuple(first.values())


def masked(sentence: Sentence, *, book: Rulebook) -> Sentence:
    """Blank out idioms; the number of words stays."""
    words = list(sentence.words)
    for index in (book.idioms, book.footers):
        for _, span in index.find(sentence):
            words[span.start : span.end] = [MASK] * (span.end - span.start)
    return replace(sentence, words=tuple(words))


def telling(read: Iterable[Sentence], *, book: Rulebook) -> Iterator[Sentence]:
    """Leave idioms out: "don't stop" and "the end of the month" lean to no end.

    A sentence that is mostly idiom is left out as a whole: its courtesies say nothing.
    """
    for sentence in read:
        words = tuple(word for word in masked(sentence, book=book).words if word != MASK)
        if len(words) * 2 > len(sentence.words):
            yield replace(sentence, words=words)


def _fired(sentence: Sentence, *, total: int, book: Rulebook) -> Iterator[tuple[Rule, Span]]:
    covered = masked(sentence, book=book)
    for rule, span in book.rules.find(sentence):
        if not rule.stops and _holds(rule, sentence, span, total=total, book=book):
            yield rule, span
    for rule, span in book.rules.find(covered):
        if rule.stops and _holds(rule, covered, span, total=total, book=book):
            yield rule, span


def _holds(rule: Rule, sentence: Sentence, span: Span, *, total: int, book: Rulebook) -> bool:
    if rule.asked is not None and rule.asked != sentence.asks:
        return False
    if rule.at_most_words is not None and total > rule.at_most_words:
        return False
    before = sentence.words[max(span.start - _NEGATION_REACH, 0) : span.start]
    if rule.negatable and not book.negators.isdisjoint(before):
        return False
    if not rule.unless:
        return True
    line = " ^ " + " ".join(sentence.words) + " $ "
    return not any(phrase.pattern.search(line) for phrase in rule.unless)
