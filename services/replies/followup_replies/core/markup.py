"""The text of a letter that came in HTML only.

What a reader would see, line by line; quoted blocks get the `>` that plain text has, so
that they are told from the writer's own words alike. Nothing is fetched. The standard
library's parser is slow over some nonsense and gives up on other: here each character is
looked at a bounded number of times.
"""

import html
import re
from typing import Final

LARGEST: Final = 256 * 1024
"""Characters of HTML that are read."""

_TAG: Final = re.compile(r"(<[/!?a-zA-Z][^<>]{0,5000}>)")
_NAME: Final = re.compile(r"</?([a-zA-Z][a-zA-Z0-9]{0,20})")
_UNSEEN: Final = frozenset({"script", "style", "head", "title", "template", "noscript"})
_LINES: Final = frozenset(
    {"p", "div", "br", "tr", "li", "ul", "ol", "table", "h1", "h2", "h3", "hr", "blockquote"}
)
_DEEPEST: Final = 20


class _Reader:
    def __init__(self) -> None:
        self._lines: list[str] = []
        self._line: list[str] = []
        self._unseen = ""
        self._quoted = 0

    def take(self, piece: str) -> None:
        named = _NAME.match(piece) if piece.startswith("<") and piece.endswith(">") else None
        if named is not None:
            self._tag(named.group(1).lower(), closing=piece.startswith("</"))
        elif not self._unseen and not piece.startswith(("<!", "<?")):
            self._line.append(html.unescape(piece))

    def text(self) -> str:
        self._end()
        return "\n".join(self._lines)

    def _tag(self, name: str, *, closing: bool) -> None:
        if self._unseen:
            # What is not seen ends with its own tag, whatever stands in it.
            over = (closing and name == self._unseen) or (name == "body" and self._unseen == "head")
            self._unseen = "" if over else self._unseen
            return
        if name in _LINES:
            self._end()
        if name in _UNSEEN and not closing:
            self._unseen = name
        if name == "blockquote":
            self._quoted = max(0, min(_DEEPEST, self._quoted + (-1 if closing else 1)))

    def _end(self) -> None:
        line = " ".join("".join(self._line).split())
        self._line.clear()
        if line:
            self._lines.append("> " * self._quoted + line)


def text_of_html(markup: str) -> str:
    """What a reader sees of a letter; never raises."""
    reader = _Reader()
    for piece in _TAG.split(markup[:LARGEST]):
        reader.take(piece)
    return reader.text()
