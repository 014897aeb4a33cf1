"""Text as rules see it: lower case, no accents, no invisible characters, sentences of words.

`_url`, `_mail` and `_phone` stand for addresses, so that rules can ask for one and never
trip over the words inside it.
"""

import itertools
import re
import unicodedata
from dataclasses import dataclass
from typing import Final

TEXT_LIMIT: Final = 10_000
"""Characters of a message that are looked at; what people want stands long before."""
_HEAD, _TAIL = 450, 150
"""Words read at the beginning and at the end of a longer message."""

_LOOKALIKES: Final = str.maketrans(
    {
        # Cyrillic and Greek letters that look Latin: filters are dodged with them.
        **dict(zip("аеорсухіѕтнкмв", "aeopcyxistnkmb", strict=True)),
        **dict(zip("αεορτυ", "aeoptu", strict=True)),
        "’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'",  # noqa: RUF001 - keyboards differ
        "“": '"', "”": '"', "„": '"', "«": '"', "»": '"',
        "–": "-", "—": "-", "‑": "-", "−": "-",  # noqa: RUF001 - one dash is enough
        "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l",
    }
)  # fmt: skip
_SYMBOLS: Final = {
    "🛑": " stop ", "🚫": " stop ", "⛔": " stop ", "🖕": " fuckoff ",
    "👍": " thumbsup ", "👎": " thumbsdown ", "🙏": " please ",
}  # fmt: skip
_ELISION: Final = re.compile(r"\b(qu|jusqu|lorsqu|puisqu|[ldjmtsnc])'(?=\w)")
_MAIL: Final = re.compile(r"[\w.+-]{1,64}@[\w-]{1,64}\.[\w.-]{2,64}")
_URL: Final = re.compile(r"(?:https?://|www\.)[^\s<>]{1,400}")
_PHONE: Final = re.compile(r"(?<![\w/.-])\+?\(?\d[\d ().-]{6,18}\d(?![\w/])")
_SPELT_OUT: Final = re.compile(r"\b(?:[a-z][ .\-_*]{1,2}){3,11}[a-z]\b")
# Begins where no mark stands before and gives none back: a thousand marks are read once.
_SENTENCE: Final = re.compile(r"((?<![.!?;…])[.!?;…]++)(?=\s|$|\")|\n")
_WORD: Final = re.compile(r"_url|_mail|_phone|[^\W_]+")
_DRAWN_OUT: Final = re.compile(r"([a-z])\1{2,}")


@dataclass(frozen=True, slots=True)
class Sentence:
    """The words of one sentence, and whether it ends in a question mark."""

    words: tuple[str, ...]
    asks: bool


def fold(text: str) -> str:
    """Give `text` in lower case, without accents and invisible characters, lines kept."""
    text = text[:TEXT_LIMIT]
    if not text.isascii():
        text = _plain(text)[:TEXT_LIMIT]
    text = text.lower().replace("\r\n", "\n").replace("\r", "\n")
    return text.replace("`", "'").replace("#", " number ")


def _plain(text: str) -> str:
    for symbol, meaning in _SYMBOLS.items():
        text = text.replace(symbol, meaning)
    text = unicodedata.normalize("NFKC", text[:TEXT_LIMIT]).casefold().translate(_LOOKALIKES)
    text = "".join(
        char
        for char in unicodedata.normalize("NFD", text)
        if unicodedata.category(char) not in {"Mn", "Cf", "Me"}
    )
    text = text.replace("¿", " ").replace("¡", " ")
    return unicodedata.normalize("NFC", text)


def apart(folded: str) -> str:
    """Part French elisions ("j'ai" is two words) and close up other apostrophes ("don't")."""
    return _ELISION.sub(r"\1 ", folded).replace("'", "")


# "Não, me liga amanhã": the refusal is of now, and what follows is a sentence of its own.
_TURN = re.compile(
    r"\b(nao|no|dont|do not|cant)[,;]\s+(?=(?:me|nos|text|call|email|write|message|"
    r"pare[mn]?|(?:mand|envi|llam|escrib|contact|lig|escrev|cham)\w*)\b)"
)


def sentences(folded: str) -> tuple[Sentence, ...]:
    """Cut folded text into sentences of words; hard-wrapped lines are joined first."""
    text = _SPELT_OUT.sub(_closed_up, _with_placeholders(_unwrapped(folded)))
    text = _DRAWN_OUT.sub(r"\1", apart(text))
    text = _TURN.sub(r"\1. ", text)
    found: list[Sentence] = []
    start = 0
    for mark in _SENTENCE.finditer(text):
        _append(found, text[start : mark.start()], asks="?" in mark.group())
        start = mark.end()
    _append(found, text[start:], asks=False)
    return _bounded(found)


def _append(found: list[Sentence], text: str, *, asks: bool) -> None:
    words = tuple(_WORD.findall(text))
    if words:
        found.append(Sentence(words=words, asks=asks))


def _bounded(found: list[Sentence]) -> tuple[Sentence, ...]:
    """Keep the beginning and the end of a long message: reading has a bounded cost."""
    if sum(len(sentence.words) for sentence in found) <= _HEAD + _TAIL:
        return tuple(found)
    return (*_first_words(found, _HEAD), *reversed(_first_words(found[::-1], _TAIL)))


def _first_words(found: list[Sentence], budget: int) -> list[Sentence]:
    kept: list[Sentence] = []
    for sentence in found:
        if budget <= 0:
            break
        kept.append(Sentence(words=sentence.words[:budget], asks=sentence.asks))
        budget -= len(sentence.words)
    return kept


def _with_placeholders(text: str) -> str:
    text = _MAIL.sub(" _mail ", _URL.sub(" _url ", text))
    return _PHONE.sub(lambda found: " _phone " if _is_phone(found.group()) else found.group(), text)


def _is_phone(text: str) -> bool:
    """Tell a phone number from a date such as 05.01.2026 - 12.01.2026 or a price."""
    digits = sum(char.isdigit() for char in text)
    return digits >= 7 and not re.search(r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}-\d\d", text)  # noqa: PLR2004 - a local number has seven


def _unwrapped(text: str) -> str:
    """Join a line to the next when a mail client broke it: long, and going on in lower case."""
    lines = text.split("\n")
    joined = lines[:1]
    for before, line in itertools.pairwise(lines):
        wrapped = len(before) >= 55 and before[-1:].isalnum() and line[:1].isalpha()  # noqa: PLR2004 - clients wrap at 65 to 78
        joined.append((" " if wrapped else "\n") + line)
    return "".join(joined)


def _closed_up(found: re.Match[str]) -> str:
    """Read "s t o p" and "s.t.o.p" as the word they spell."""
    return re.sub(r"[^a-z]", "", found.group())
