"""The text of a letter that came in HTML only.

What a reader would see, line by line; quoted blocks get the `>` that plain text has, so
that they are told from the writer's own words alike. Nothing is fetched.
"""

from html.parser import HTMLParser
from typing import Final

LARGEST: Final = 256 * 1024
"""Characters of HTML that are read."""

_UNSEEN: Final = frozenset({"script", "style", "head", "title", "template", "noscript"})
_LINES: Final = frozenset(
    {"p", "div", "br", "tr", "li", "ul", "ol", "table", "h1", "h2", "h3", "hr", "blockquote"}
)
_DEEPEST: Final = 20


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = []
        self._line: list[str] = []
        self._unseen = 0
        self._quoted = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - the base's
        self._break(tag)
        if tag in _UNSEEN:
            self._unseen += 1
        if tag == "blockquote":
            self._quoted = min(_DEEPEST, self._quoted + 1)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - the base's
        self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        self._break(tag)
        if tag in _UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        if tag == "blockquote":
            self._quoted = max(0, self._quoted - 1)

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self._line.append(data)

    def text(self) -> str:
        self._end()
        return "\n".join(self._lines).strip("\n")

    def _break(self, tag: str) -> None:
        if tag in _LINES:
            self._end()

    def _end(self) -> None:
        line = " ".join("".join(self._line).split())
        self._line.clear()
        if line:
            self._lines.append("> " * self._quoted + line)


def text_of_html(html: str) -> str:
    """What a reader sees of a letter; never raises."""
    reader = _Reader()
    reader.feed(html[:LARGEST])
    reader.close()
    return reader.text()
