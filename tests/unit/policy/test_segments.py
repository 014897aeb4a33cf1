"""Segments of a text message, by example and against a plain counting."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup_policy.segments import is_gsm, segments_of

GSM = "abc XYZ 019 @£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ!\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà\n\r"
EXTENDED = "^{}\\[~]|€\f"


@pytest.mark.parametrize(
    ("text", "segments"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 152 + "€" + "b" * 153, 3),  # the euro may not be split: 152, then 155
        ("a" * 151 + "€" + "b" * 153, 2),
        ("ж" * 70, 1),
        ("ж" * 71, 2),
        ("ж" * 134, 2),
        ("ж" * 135, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("ж" * 66 + "😀" + "ж" * 66, 3),  # the pair may not be split: 66, then 68
        ("a" * 71 + "😀", 2),  # one emoji turns the whole text to 16 bits
        ("`", 1),
        ("ç" * 71, 2),  # the small c with cedilla is not in the alphabet, the capital is
        ("Ç" * 71, 1),
    ],
)
def test_known_counts(text, segments):
    """At each border, in each alphabet."""
    assert segments_of(text) == segments


@given(st.text(alphabet=GSM + EXTENDED, max_size=1000))
def test_gsm_texts_fill_parts_of_153_and_never_split_an_escape(text):
    """As many parts as greedy filling needs, checked by an independent filling."""
    assert is_gsm(text)
    septets = [
        token for letter in text for token in (("esc", letter) if letter in EXTENDED else (letter,))
    ]
    if len(septets) <= 160:
        assert segments_of(text) == 1
        return
    parts, rest = 0, septets
    while rest:
        cut = 153
        if len(rest) > cut and rest[cut - 1] == "esc":
            cut -= 1
        parts, rest = parts + 1, rest[cut:]
    assert segments_of(text) == parts


@given(st.text(max_size=400).map(lambda text: text + "ж"))
def test_other_texts_fill_parts_of_67_units_and_never_split_a_pair(text):
    """Checked on the UTF-16 that goes over the air."""
    units = memoryview(text.encode("utf-16-le", "surrogatepass")).cast("H")
    if len(units) <= 70:
        assert segments_of(text) == 1
        return
    parts, at = 0, 0
    while at < len(units):
        cut = min(at + 67, len(units))
        if cut < len(units) and 0xDC00 <= units[cut] < 0xE000 and 0xD800 <= units[cut - 1] < 0xDC00:
            cut -= 1
        parts, at = parts + 1, cut
    assert segments_of(text) == parts
