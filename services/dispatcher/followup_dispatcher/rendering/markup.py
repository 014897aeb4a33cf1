"""The HTML of an e-mail: styles where mail programs look for them, and one made of plain text.

Mail programs drop `<style>` when a letter is forwarded or quoted, some always; so rules are
moved into `style` attributes. Nothing is fetched for that.
"""

import html
import re
from functools import cache

import css_inline

_URL = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)\]}]")
_PARAGRAPHS = re.compile(r"\n[ \t]*\n")
_STYLE = re.compile(r"<style[\s>]", re.IGNORECASE)


def inlined(markup: str) -> str:
    """The markup with its style rules in attributes; as it is where it has none to move.

    Rules that have no place in an attribute (`@media`) stay in their element.
    """
    if not _STYLE.search(markup):
        return markup
    try:
        return _inliner().inline(markup)
    except css_inline.InlineError:
        return markup  # what cannot be read as CSS is left to the mail program


def of_text(text: str) -> str:
    """The same words as HTML: paragraphs, line ends and links, and nothing else."""
    paragraphs = [part.strip() for part in _PARAGRAPHS.split(text) if part.strip()]
    body = "".join(f"<p>{_lines(paragraph)}</p>" for paragraph in paragraphs)
    return f"<html><body>{body}</body></html>"


def _lines(paragraph: str) -> str:
    made, last = [], 0
    for found in _URL.finditer(paragraph):
        made.append(html.escape(paragraph[last : found.start()]))
        target = html.escape(found[0])
        made.append(f'<a href="{target}">{target}</a>')
        last = found.end()
    made.append(html.escape(paragraph[last:]))
    return "".join(made).replace("\n", "<br>\n")


@cache
def _inliner() -> css_inline.CSSInliner:
    return css_inline.CSSInliner(
        load_remote_stylesheets=False, keep_at_rules=True, minify_css=False
    )
