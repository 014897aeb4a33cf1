"""What an HTML letter says, as plain text. Quotes keep their ">"; nothing is fetched.

The standard library's parser takes minutes over some nonsense, so the tags are found
here: every character is looked at a bounded number of times.
"""

import html
import re
from collections.abc import Iterator
from typing import Final

LONGEST_MARKUP: Final = 100_000
_LONGEST_TAG: Final = 5_000
_SILENT: Final = frozenset({"script", "style", "head", "title", "template", "svg", "noscript"})
_BREAKING: Final = frozenset(
    {"p", "div", "br", "tr", "li", "ul", "ol", "table", "blockquote", "hr", "h1", "h2", "h3", "pre"}
)
_EMPTY: Final = frozenset(
    {"br", "hr", "img", "input", "meta", "link", "area", "base", "col", "embed", "source", "wbr"}
)
_DEEPEST: Final = 100
_MOST_QUOTES: Final = 5
_TAG: Final = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,20})")
_HIDDEN: Final = re.compile(r"\shidden(?=[\s=/>])|display\s{0,9}:\s{0,9}none", re.IGNORECASE)
"""What readers do not see, such as the preview line of our own letters."""


def text_of_markup(markup: str) -> str:
    """Give the visible text of `markup` (its first 100,000 characters)."""
    reader = _Reader()
    for piece in _pieces(markup[:LONGEST_MARKUP]):
        reader.take(piece)
    return reader.text()


def _pieces(markup: str) -> Iterator[str]:
    """Cut markup into tags and what stands between them; comments are left out."""
    at = 0
    while at < len(markup):
        opened = markup.find("<", at)
        if opened < 0:
            yield markup[at:]
            return
        if opened > at:
            yield markup[at:opened]
        if markup.startswith("<!--", opened):
            end = markup.find("-->", opened + 4)
            if end < 0:
                return
            at = end + 3
            continue
        within = opened + _LONGEST_TAG
        following = markup.find("<", opened + 1, within)
        closed = markup.find(">", opened, within if following < 0 else following)
        at = (opened if closed < 0 else closed) + 1
        yield markup[opened:at]


class _Reader:
    def __init__(self) -> None:
        self._lines: list[list[str]] = [[]]
        self._levels: list[int] = [0]
        self._open: list[tuple[str, bool]] = []
        self._silent = 0
        self._quotes = 0

    def take(self, piece: str) -> None:
        """Go on with a tag or a text."""
        tag = _TAG.match(piece) if piece.endswith(">") else None
        if tag is None:
            is_markup = piece.startswith(("<!", "<?")) and piece.endswith(">")
            if not self._silent and not is_markup:
                self._lines[-1].append(html.unescape(piece))
            return
        name = tag.group(2).lower()
        if tag.group(1):
            self._close(name)
        elif name not in _EMPTY and len(self._open) < _DEEPEST:
            silent = name in _SILENT or _HIDDEN.search(piece) is not None
            self._count(name, silent=silent, by=1)
            self._open.append((name, silent))
        if name in _BREAKING:
            self._lines.append([])
            self._levels.append(min(self._quotes, _MOST_QUOTES))

    def text(self) -> str:
        """What was read, line by line, without rows of empty lines."""
        told: list[str] = []
        for pieces, level in zip(self._lines, self._levels, strict=True):
            line = " ".join("".join(pieces).split())
            if line or (told and told[-1]):
                told.append(("> " * level + line).rstrip())
        return "\n".join(told).strip()

    def _close(self, name: str) -> None:
        if not any(opened == name for opened, _ in self._open):
            return
        while True:
            opened, silent = self._open.pop()
            self._count(opened, silent=silent, by=-1)
            if opened == name:
                return

    def _count(self, name: str, *, silent: bool, by: int) -> None:
        self._silent += by * silent
        self._quotes += by * (name == "blockquote")
