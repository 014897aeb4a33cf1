"""Links that count clicks, in place of those a template has, where a tenant wants that."""

import html
import re
from collections.abc import Callable
from dataclasses import replace

from followup_dispatcher.providers.port import Content
from followup_suppression.clicks import leads_to_the_web

_IN_TEXT = re.compile(r"https?://[^\s<>\"']+")
_IN_HTML = re.compile(r"(<a\s[^<>]*?\bhref\s*=\s*)(\"[^\"]*\"|'[^']*')", re.IGNORECASE)
_TRAILING = ".,;:!?)]}\u00bb\u201d\u2019"

Counted = Callable[[str], str]
"""From a target to the link that counts clicks to it."""


def counted(content: Content, link: Counted, *, spare: str) -> Content:
    """The content with its links counted; those that begin with `spare` (our own) stay."""

    def swap(target: str) -> str:
        own = bool(spare) and target.startswith(spare)
        return target if own or not leads_to_the_web(target) else link(target)

    return replace(
        content,
        text=_IN_TEXT.sub(lambda found: _text(found[0], swap), content.text),
        html=None
        if content.html is None
        else _IN_HTML.sub(lambda found: _attribute(found, swap), content.html),
    )


def _text(found: str, swap: Counted) -> str:
    """A URL in running text ends before the point that ends its sentence."""
    target = found.rstrip(_TRAILING)
    if ")" in found and target.count("(") > target.count(")"):
        target = found[: len(target) + 1]  # a bracket of the URL's own
    return swap(target) + found[len(target) :]


def _attribute(found: re.Match[str], swap: Counted) -> str:
    before, quoted = found[1], found[2]
    target = html.unescape(quoted[1:-1]).strip()
    return f'{before}"{html.escape(swap(target))}"'
