"""The small language in which rules are written, compiled to bounded regular expressions.

A phrase is words with blanks between them, matched inside one sentence:

    word        this word                    stem*       a word that begins so
    word?       or not                       (a|b c)     one of these
    (a|b)?      one of these, or nothing     <name>      a word list of the file
    ...         up to three words            ......      up to six words
    ^  $        beginning, end of the sentence

Every element takes a blank and a word that holds no blank, and gaps are bounded, so that no
text can make a match expensive.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from followup_replies.core.errors import RuleError
from followup_replies.core.folding import apart, fold

_TOKEN: Final = re.compile(r"\.{6}|\.{3}|[()|?^$]|<\w+>|[^\W_][\w']*\*?|_\w+")
_GAPS: Final = {"...": "(?: [^ $]+){0,3}?", "......": "(?: [^ $]+){0,6}?"}
_ANY: Final = "..."
"""Head of a gap: it could begin with any word."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """One compiled phrase; `heads` are the words (or `stem*`) it can begin with."""

    source: str
    pattern: re.Pattern[str]
    heads: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of a phrase: its expression, what it can begin with, whether it may be nothing."""

    expression: str
    heads: frozenset[str]
    may_be_nothing: bool


def compile_phrase(source: str, *, words: Mapping[str, Iterable[str]] | None = None) -> Phrase:
    """Compile one phrase. Raises RuleError when it is none."""
    folded = _spelling(source)
    if not _is_clean(folded):
        raise RuleError(f"phrase {source!r}: a character that no phrase has")
    reader = _Reader(source, _TOKEN.findall(folded), words or {})
    piece = reader.sequence(depth=0)
    if reader.rest:
        raise RuleError(f"phrase {source!r}: unbalanced at {reader.rest[0]!r}")
    if piece.may_be_nothing or _ANY in piece.heads:
        raise RuleError(f"phrase {source!r}: must begin with a word and need at least one")
    return Phrase(source=source, pattern=re.compile(piece.expression + r"(?= )"), heads=piece.heads)


def _spelling(source: str) -> str:
    """Write a phrase the way sentences write words: folded, elisions apart, no apostrophes."""
    return apart(fold(source)).replace("-", " ")


def _is_clean(folded: str) -> bool:
    return not _TOKEN.sub("", folded).strip()


class _Reader:
    """Reads the tokens of one phrase from left to right."""

    def __init__(self, source: str, tokens: list[str], words: Mapping[str, Iterable[str]]) -> None:
        self._source = source
        self._words = words
        self.rest = tokens

    def sequence(self, *, depth: int) -> _Piece:
        """Read up to the end, a bar or a closing bracket."""
        pieces: list[_Piece] = []
        while self.rest and self.rest[0] not in {"|", ")"}:
            pieces.append(self._optional(self._item(self.rest.pop(0), depth=depth)))
        return _in_a_row(pieces)

    def _item(self, sign: str, *, depth: int) -> _Piece:
        if sign in _GAPS:
            return _Piece(_GAPS[sign], frozenset({_ANY}), may_be_nothing=True)
        if sign == "(":
            return self._group(depth=depth + 1)
        if sign.startswith("<"):
            return self._named(sign[1:-1])
        if sign == "?":
            raise RuleError(f"phrase {self._source!r}: a question mark after nothing")
        return _word(sign)

    def _group(self, *, depth: int) -> _Piece:
        choices = [self.sequence(depth=depth)]
        while self.rest and self.rest[0] == "|":
            self.rest.pop(0)
            choices.append(self.sequence(depth=depth))
        if not self.rest or self.rest.pop(0) != ")":
            raise RuleError(f"phrase {self._source!r}: a bracket that is never closed")
        return _one_of(choices)

    def _named(self, name: str) -> _Piece:
        if name not in self._words:
            raise RuleError(f"phrase {self._source!r}: no word list {name!r}")
        inner = "(" + "|".join(self._words[name]) + ")"
        tokens = _TOKEN.findall(_spelling(inner))
        return _Reader(self._source, tokens, self._words).sequence(depth=0)

    def _optional(self, piece: _Piece) -> _Piece:
        if not self.rest or self.rest[0] != "?":
            return piece
        self.rest.pop(0)
        return _Piece(f"(?:{piece.expression})?", piece.heads, may_be_nothing=True)


def _word(token: str) -> _Piece:
    expression = " " + re.escape(token.rstrip("*")) + ("[^ ]*" if token.endswith("*") else "(?= )")
    return _Piece(expression, frozenset({token}), may_be_nothing=False)


def _one_of(choices: list[_Piece]) -> _Piece:
    return _Piece(
        "(?:" + "|".join(choice.expression for choice in choices) + ")",
        frozenset().union(*(choice.heads for choice in choices)),
        may_be_nothing=any(choice.may_be_nothing for choice in choices),
    )


def _in_a_row(pieces: list[_Piece]) -> _Piece:
    heads: set[str] = set()
    for piece in pieces:
        heads |= piece.heads
        if not piece.may_be_nothing:
            break
    return _Piece(
        "".join(piece.expression for piece in pieces),
        frozenset(heads),
        may_be_nothing=all(piece.may_be_nothing for piece in pieces),
    )
