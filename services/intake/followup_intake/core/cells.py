"""What spreadsheets, word processors and phones leave around the text of a cell."""

import re
import unicodedata

MAX_CELL = 20_000
"""Characters of a cell that are kept; whatever stands behind is cut."""

# Tab, line feed and carriage return are how people write; the rest nobody typed.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]"
)
_NO_WORD = re.compile(r"[^0-9a-z]+")
_SPACES = re.compile(r"[^\S\n\r\t]")
_FORMULA_TEXT = re.compile(r'^="(.*)"$', re.DOTALL)


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text: how this package writes down vocabularies."""
    return frozenset(text.split())


PLACEHOLDERS = word_set(
    "- -- --- – — . .. ? ?? n/a n.a. n.a na #n/a nan none null nil (none) (null) (blank) blank "  # noqa: RUF001 - dashes people type
    "undefined empty"
)


def has_control(text: str) -> bool:
    """Whether the text holds a control character other than tab and line breaks."""
    return not text.isprintable() and _CONTROL.search(text) is not None


def tidy(text: str) -> str:
    """Return the text as a reader sees it: no control or invisible characters, NFC, trimmed.

    Line breaks stay, every other white space becomes a plain blank or tab. Idempotent.
    """
    text = text[:MAX_CELL]
    if text.isascii():
        return text.strip() if text.isprintable() else _CONTROL.sub("", text).strip()
    text = _INVISIBLE.sub("", _CONTROL.sub("", text))
    text = "".join(c for c in text if not "\ud800" <= c <= "\udfff")
    return _SPACES.sub(" ", unicodedata.normalize("NFC", text)).strip()


def unguarded(text: str) -> str:
    """Return the text without what keeps a spreadsheet from reading it as a number.

    Takes off a leading apostrophe before a digit and the `="…"` of text formulas.
    """
    if not text or text[0] not in "='":
        return text
    if found := _FORMULA_TEXT.match(text):
        return found[1].strip()
    return text[1:].lstrip() if text[0] == "'" and text[1:2].isalnum() else text


def ascii_digits(text: str) -> str:
    """Return the text with full-width letters and the digits of every script as ASCII."""
    if text.isascii():
        return text
    wide = unicodedata.normalize("NFKC", text)
    return "".join(str(unicodedata.digit(c)) if c.isdigit() else c for c in wide)


def one_line(text: str) -> str:
    """Return the text with every run of white space as one blank."""
    return " ".join(text.split())


def is_placeholder(text: str) -> bool:
    """Whether a tidied cell says in so many characters that it has nothing to say."""
    return not text or text.casefold() in PLACEHOLDERS


def folded(text: str) -> str:
    """Return a key to look words up by: no accents, no case, blanks for punctuation."""
    if text.isascii():
        return _NO_WORD.sub(" ", text.lower()).strip()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(c for c in decomposed if not unicodedata.combining(c))
    return " ".join("".join(c if c.isalnum() else " " for c in plain).split())
