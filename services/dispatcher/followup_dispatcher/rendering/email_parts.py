"""What every e-mail carries beside its words: a way out, and where it comes from.

Sources: `List-Unsubscribe`, RFC 2369 section 3.2; one-click, RFC 8058 section 3.1 (an
https URI is required); a physical postal address and an opt-out mechanism in commercial
mail, 16 CFR 316.5 and 15 U.S.C. 7704(a)(5).
"""

import html
from collections.abc import Mapping, Sequence
from dataclasses import replace

from followup_dispatcher.providers.port import Content

_BODY_END = "</body>"


REPLY_TO = "Reply-To"
_LEAVE = "List-Unsubscribe"


def returning_headers(
    headers: Mapping[str, str], *, answers: str, departures: str
) -> dict[str, str]:
    """The headers with an address for answers, and one more way to unsubscribe, by mail."""
    way = f"<mailto:{departures}?subject=unsubscribe>"
    ways = [headers[_LEAVE], way] if _LEAVE in headers else [way]
    return {**headers, _LEAVE: ", ".join(ways), REPLY_TO: answers}


def unsubscribe_headers(url: str | None) -> dict[str, str]:
    """The headers by which a mail program offers to unsubscribe; empty without a link."""
    if not url:
        return {}
    headers = {_LEAVE: f"<{url}>"}
    if url.startswith("https://"):
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers


THREAD = 10
"""Letters that a letter names: the first, and the last ones."""
_LONGEST_REFERENCES = 900
"""Characters; a line of a letter has at most 998 (RFC 5322 section 2.1.1)."""


def letter_headers(thread: Sequence[str], *, by_hand: bool = False) -> dict[str, str]:
    """Whether no person wrote it (RFC 3834, 5), and what it follows (RFC 5322, 3.6.4)."""
    headers = {} if by_hand else {"Auto-Submitted": "auto-generated"}
    if thread:
        named = list(thread if len(thread) <= THREAD else (thread[0], *thread[1 - THREAD :]))
        while len(named) > 1 and len(" ".join(named)) > _LONGEST_REFERENCES:
            del named[min(1, len(named) - 2)]
        headers |= {"In-Reply-To": thread[-1], "References": " ".join(named)}
    return headers


def with_footer(content: Content, *, business: str, address: str, url: str | None) -> Content:
    """The content with a line of sender and postal address, and the way out, where absent."""
    sender = ", ".join(part.strip() for part in (business, address) if part.strip())
    text_lines = _absent(content.text, address, sender, url)
    if content.html is None:
        return replace(content, text=_text(content.text, text_lines))
    html_lines = _absent(html.unescape(content.html), address, sender, url)
    return replace(
        content,
        text=_text(content.text, text_lines),
        html=_html(content.html, html_lines),
    )


def _absent(words: str, address: str, sender: str, url: str | None) -> tuple[str, str]:
    """The sender's line and the way out, each blank where the words have it already."""
    flat = " ".join(words.split())
    has_address = bool(address.strip()) and " ".join(address.split()) in flat
    return ("" if has_address else sender, "" if url is None or url in words else url)


def _text(text: str, lines: tuple[str, str]) -> str:
    sender, url = lines
    footer = [sender] if sender else []
    if url:
        footer.append(f"Unsubscribe: {url}")
    return "\n".join([text, "", "-- ", *footer]) if footer else text


def _html(markup: str, lines: tuple[str, str]) -> str:
    sender, url = lines
    footer = [html.escape(sender)] if sender else []
    if url:
        footer.append(f'<a href="{html.escape(url)}">Unsubscribe</a>')
    if not footer:
        return markup
    block = f'<p style="font-size:12px;color:#666">{"<br>".join(footer)}</p>'
    before, end, after = markup.rpartition(_BODY_END)
    return f"{before}{block}{end}{after}" if end else markup + block
