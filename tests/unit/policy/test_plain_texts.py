from hypothesis import given
from hypothesis import strategies as st

from followup_policy.plaintext import to_gsm
from followup_policy.segments import is_gsm, segments_of


def test_typographic_characters_become_plain_ones():
    """Quotes, dashes, dots, blanks, and accents that the alphabet lacks."""
    curly = "It\u2019s \u201cdone\u201d\u2014really\u2026\u00a0Zo\u00eb \u0141uk\u00e1\u0161"
    assert to_gsm(curly) == 'It\'s "done"-really... Zoe Lukas'


def test_letters_that_the_alphabet_has_stay_as_they_are():
    """German and French texts lose nothing."""
    assert (
        to_gsm("Gr\u00fc\u00dfe, \u00e0 bient\u00f4t \u20ac5")
        == "Gr\u00fc\u00dfe, \u00e0 bientot \u20ac5"
    )


def test_what_has_no_plain_form_leaves_the_text_alone():
    """An emoji or another script: half of it plain would save nothing."""
    for text in (
        "Thanks \U0001f64f \u2013 Kim",
        "\u041f\u0440\u0438\u0432\u0435\u0442 \u2014 \u041a\u0438\u043c",
    ):
        assert to_gsm(text) == text


@given(text=st.text(max_size=200))
def test_the_plain_form_is_in_the_alphabet_and_takes_no_more_segments(text):
    """Either the text as it was, or one that every phone shows, at no higher price."""
    plain = to_gsm(text)
    assert plain == text or (is_gsm(plain) and segments_of(plain) <= segments_of(text) * 3)
    assert to_gsm(plain) == plain
