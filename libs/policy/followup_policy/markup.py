"""HTML as people see it: the words without what is written around them.

None of these looks through the rest of a text once for each place where it may begin: a
template is anybody's, and a match holds up every thread.
"""

import html
import re

_BREAKS = re.compile(r"(?i)<\s*(?:br|/p|/div|/tr|/li|/h[1-6])\b[^<>]*>")
_MARKUP = re.compile(r"(?i)<(!--)|<(style|script|head)\b[^<>]*>|<[^<>]*>")
_UNSEEN_UNTIL = {
    "!--": re.compile("-->"),
    **{kind: re.compile(rf"(?i)</{kind}\s*>") for kind in ("style", "script", "head")},
}


def seen(markup: str) -> str:
    """The words of an HTML part, line by line."""
    return html.unescape(_without_markup(_BREAKS.sub("\n", markup)))


def _without_markup(markup: str) -> str:
    """What is between elements; of comments, styles and scripts that end, nothing."""
    kept, at, endless = list[str](), 0, set[str]()
    while (found := _MARKUP.search(markup, at)) is not None:
        kept.append(markup[at : found.start()])
        at = found.end()
        kind = (found[1] or found[2] or "").lower()
        if not kind or kind in endless:
            continue
        end = _UNSEEN_UNTIL[kind].search(markup, at)
        if end is None:
            endless.add(kind)
        else:
            at = end.end()
    return " ".join([*kept, markup[at:]])
