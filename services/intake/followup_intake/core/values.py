"""What a job may be worth: an amount and its currency (ISO 4217)."""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from followup_intake.core.cells import ascii_digits, is_placeholder, word_set

_SIGNS = (
    ("CA$", "CAD"),
    ("C$", "CAD"),
    ("AU$", "AUD"),
    ("A$", "AUD"),
    ("NZ$", "NZD"),
    ("US$", "USD"),
    ("MX$", "MXN"),
    ("R$", "BRL"),
    ("HK$", "HKD"),
    ("S$", "SGD"),
    ("$", "USD"),
    ("€", "EUR"),
    ("£", "GBP"),
    ("₹", "INR"),
    ("¥", "JPY"),
    ("₣", "CHF"),
    ("zł", "PLN"),
)
_CODES = word_set(
    "USD CAD AUD NZD EUR GBP CHF SEK NOK DKK PLN CZK HUF RON BGN MXN BRL ARS CLP COP INR PKR "
    "ZAR SGD HKD JPY CNY KRW AED SAR ILS TRY PHP THB MYR IDR VND NGN KES"
)
_WORDS = {
    "dollars": "USD",
    "dollar": "USD",
    "bucks": "USD",
    "euro": "EUR",
    "euros": "EUR",
    "eur": "EUR",
    "pounds": "GBP",
    "quid": "GBP",
    "fr": "CHF",
    "kr": "SEK",
}
_ABSENT = word_set("tbd tbc tba unknown unsure - none not sure") | {
    "not sure",
    "to be determined",
}
_HEDGE = re.compile(
    r"^(?:~|≈|about|approx(?:imately)?\.?|around|ca\.?(?=\s)|circa|est\.?|roughly)\s*",
    re.IGNORECASE,
)
_AMOUNT = re.compile(r"(\d[\d.,'\u2019\s]*)([kKmM])?\+?")
_SCIENTIFIC = re.compile(r"\d(?:\.\d{1,14})?[eE]\+?\d{1,2}")
_MAX_DIGITS = 15


@dataclass(frozen=True, slots=True)
class ValueReading:
    """An amount and its currency; `fault` when something is there that is no amount."""

    amount: Decimal | None = None
    currency: str | None = None
    fault: bool = False


@lru_cache(maxsize=4096)
def read_value(cell: str) -> ValueReading:
    """Read an amount, thousands and decimals in either notation.

    A bare dollar sign is the US dollar; an amount without any sign has no currency.
    """
    text = cell.strip()
    if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS:
        return ValueReading(amount=Decimal(text))
    if is_placeholder_value(text):
        return ValueReading()
    text = ascii_digits(text)
    if scientific := _SCIENTIFIC.fullmatch(text):
        return ValueReading(amount=Decimal(scientific[0]).quantize(Decimal("0.01")))
    text, currency = _currency(_HEDGE.sub("", text[:80]))
    found = _AMOUNT.fullmatch(text.rstrip(" .-–") if text.endswith((".-", ",-", ".–")) else text)  # noqa: RUF001 - German prices end in a dash
    amount = _amount(found[1], found[2]) if found else None
    if amount is None:
        return ValueReading(fault=True)
    return ValueReading(amount=amount, currency=currency)


def is_placeholder_value(text: str) -> bool:
    """Whether a value cell says that nothing is known yet; question marks say nothing."""
    return not text or text.casefold() in _ABSENT or ("?" not in text and is_placeholder(text))


def _currency(text: str) -> tuple[str, str | None]:
    for sign, code in _SIGNS:
        if text.upper().startswith(sign.upper()) or text.upper().endswith(sign.upper()):
            bare = (
                text[len(sign) :] if text.upper().startswith(sign.upper()) else text[: -len(sign)]
            )
            return _currency(bare.strip())[0], code
    words = text.split()
    for word in words[:1] + words[-1:]:
        named = word.upper() if word.upper() in _CODES else _WORDS.get(word.casefold())
        if named and len(words) > 1:
            return " ".join(w for w in words if w is not word), named
    glued = re.fullmatch(r"([A-Za-z]{3})(\d.*)|(.*\d)([A-Za-z]{3})", text)
    if glued and (code := (glued[1] or glued[4]).upper()) in _CODES:
        return glued[2] or glued[3], code
    return text, None


def _amount(text: str, scale: str | None) -> Decimal | None:
    plain = re.sub(r"[\s'\u2019]", "", text).rstrip(".,")
    comma, dot = plain.rfind(","), plain.rfind(".")
    mark = max(comma, dot)
    whole, part = plain, ""
    if mark >= 0 and _is_decimal_mark(plain, mark):
        whole, part = plain[:mark], plain[mark + 1 :]
    digits = whole.replace(",", "").replace(".", "")
    if not (digits + part).isdigit() or len(digits) > _MAX_DIGITS:
        return None
    factor = {"k": 1_000, "m": 1_000_000}.get((scale or "").casefold(), 1)
    return Decimal(f"{digits or 0}.{part}" if part else digits) * factor


def _is_decimal_mark(plain: str, mark: int) -> bool:
    """Tell "1,200" from "1,20": the last mark parts decimals unless three digits follow it."""
    behind = len(plain) - mark - 1
    both = "," in plain and "." in plain
    return both or (plain.count(plain[mark]) == 1 and behind != 3)  # noqa: PLR2004 - thousands
