"""How many segments a text message is billed and throttled as.

Sources: the alphabet and its extension table, 3GPP TS 23.038 section 6.2.1; the sizes
of single and concatenated messages, 3GPP TS 23.040 section 9.2.3.24.1 (140 octets, six
of them the user data header of a concatenated part).
"""

from collections.abc import Iterable

GSM_SINGLE = 160
GSM_PART = 153
UCS2_SINGLE = 70
UCS2_PART = 67

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")
_GSM = _BASIC | _EXTENDED
_LAST_OF_PLANE_0 = 0xFFFF


def is_gsm(text: str) -> bool:
    """Whether every character is in the GSM 7-bit alphabet or its extension table."""
    return _GSM.issuperset(text)


def units(text: str) -> tuple[int, ...]:
    """What each character costs: septets in GSM-7, 16-bit units in UCS-2."""
    if is_gsm(text):
        return tuple(2 if letter in _EXTENDED else 1 for letter in text)
    return tuple(2 if ord(letter) > _LAST_OF_PLANE_0 else 1 for letter in text)


def segments_of(text: str) -> int:
    """The number of segments; an empty text is one.

    A part never ends between an escape and its character, nor inside a surrogate pair,
    so a text may need one segment more than its length divided by the part's.
    """
    if len(text) <= GSM_SINGLE and _BASIC.issuperset(text):
        return 1  # most of them; the rest is counted by the letter
    single, part = (GSM_SINGLE, GSM_PART) if is_gsm(text) else (UCS2_SINGLE, UCS2_PART)
    costs = units(text)
    return 1 if sum(costs) <= single else _parts(costs, part)


def _parts(costs: Iterable[int], size: int) -> int:
    parts, used = 1, 0
    for cost in costs:
        if used + cost > size:
            parts, used = parts + 1, 0
        used += cost
    return parts
