"""Reading phone numbers out of cells."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from followup_intake.core.cells import tidy
from followup_intake.core.phones import country_of, read_phone


@pytest.mark.parametrize(
    ("cell", "region", "e164"),
    [
        ("(312) 555-0134", "US", "+13125550134"),
        ("312.555.0134", "US", "+13125550134"),
        ("1 312 555 0134", "US", "+13125550134"),
        ("\u202a+1 312 555 0134\u202c", "US", "+13125550134"),
        ("\uff13\uff11\uff12\uff15\uff15\uff15\uff10\uff11\uff13\uff14", "US", "+13125550134"),
        ("312\u2011555\u20130134", "US", "+13125550134"),
        ("tel:+1-312-555-0134", "GB", "+13125550134"),
        ("312-555-0134 ext. 12", "US", "+13125550134"),
        ("312-555-0134 x7", "US", "+13125550134"),
        ("312-555-0134 #4", "US", "+13125550134"),
        ('="3125550134"', "US", "+13125550134"),
        ("'3125550134", "US", "+13125550134"),
        ("p:+13125550134", "US", "+13125550134"),
        ("+44 (0)20 7946 0123", "US", "+442079460123"),
        ("0044 20 7946 0123", "GB", "+442079460123"),
        ("442079460123", "GB", "+442079460123"),
        ("030 / 231 25999", "DE", "+493023125999"),
        ("01 99 00 12 34", "FR", "+33199001234"),
        ("0491 570 110", "AU", "+61491570110"),
    ],
)
def test_a_number_as_people_write_it_needs_no_repair(cell, region, e164):
    """Spaces, signs, extensions and guards around a number are no damage."""
    reading = read_phone(tidy(cell), region=region)
    assert (reading.e164, reading.repaired, reading.several) == (e164, False, False)


@pytest.mark.parametrize(
    ("cell", "region", "e164"),
    [
        ("3125550134.0", "US", "+13125550134"),
        ("3.125550134E+09", "US", "+13125550134"),
        ("3.125550134e+09", "US", "+13125550134"),
        ("1.3125550134E+10", "US", "+13125550134"),
        ("1,3125550134E+10", "US", "+13125550134"),
        ("4.42079460123E+11", "GB", "+442079460123"),
        ("20 7946 0123", "GB", "+442079460123"),
        ("1713920111", "DE", "+491713920111"),
        ("call 312-555-0134", "US", "+13125550134"),
        ("312-555-0134 after 5pm", "US", "+13125550134"),
        ("312-555-0134 - Sam", "US", "+13125550134"),
        ("C: 312-555-0134 (text only)", "US", "+13125550134"),
    ],
)
def test_damage_that_lost_no_digit_is_repaired(cell, region, e164):
    """Spreadsheet formats, an eaten zero and words around a number are mended and noted."""
    reading = read_phone(tidy(cell), region=region)
    assert (reading.e164, reading.repaired) == (e164, True)


@pytest.mark.parametrize(
    "cell",
    [
        "3.13E+09",
        "3.12555E+09",
        "312-555-O134",
        "312-555-01l4",
        "1-800-EXAMPLE",
        "12345",
        "555 01",
        "+1",
        "31255501343125",
        "312-555-01345",
        "(111) 111-1111",
        "999-999-9999",
        "000-000-0000",
        "+1000000000",
        "123-456-7890",
        "0",
        "-",
        "n/a",
        "no phone",
    ],
)
def test_what_lost_digits_or_never_was_a_number_is_unusable(cell):
    """Nothing is guessed: no number is better than a stranger's."""
    reading = read_phone(cell, region="US")
    assert reading.given
    assert reading.e164 is None


def test_the_right_length_in_no_range_in_use_is_kept_as_possible():
    """Metadata may lag behind the numbering plan."""
    reading = read_phone("+1 999 555 0134", region="US")
    assert (reading.e164, reading.possible_only) == ("+19995550134", True)


@pytest.mark.parametrize(
    "cell",
    [
        "312-555-0134 or 312-555-0155",
        "312-555-0134; 312-555-0155",
        "312-555-0134/312-555-0155",
        "312-555-0134 312-555-0155",
        "Cell 312-555-0134 Home 312-555-0155",
        "+13125550134+13125550155",
    ],
)
def test_the_first_of_two_numbers_is_taken(cell):
    """A cell with two numbers gives the first and says so."""
    reading = read_phone(cell, region="US")
    assert (reading.e164, reading.several) == ("+13125550134", True)


def test_a_long_number_is_read_as_foreign_only_when_nobody_stated_the_country():
    """In a row that names its country, digits too many are digits too many."""
    assert read_phone("442079460123", region="US").e164 is None
    assert read_phone("442079460123", region="US", stated=False).e164 == "+442079460123"


@pytest.mark.parametrize(
    ("e164", "country"),
    [
        ("+13125550134", "US"),
        ("+14165550134", "CA"),
        ("+18005550134", "US"),
        ("+442079460123", "GB"),
        ("+33639981234", "FR"),
    ],
)
def test_a_number_names_its_country(e164, country):
    """The country of last resort is the phone's."""
    assert country_of(e164) == country


@given(st.text(max_size=60), st.sampled_from(["US", "CA", "GB", "DE", "FR", "AU"]))
def test_any_text_is_read_and_reading_again_changes_nothing(text, region):
    """No cell raises, and a number that came out goes in as itself."""
    reading = read_phone(tidy(text), region=region)
    if reading.e164:
        again = read_phone(reading.e164, region=region)
        assert again.e164 == reading.e164
        assert not again.repaired


@given(st.integers(200, 999), st.integers(200, 999), st.integers(0, 9999))
@example(340, 211, 0)  # an area of which only some exchanges are in use
@example(671, 200, 5)
def test_every_way_to_write_a_number_gives_the_same_number(area, exchange, line):
    """The quick path for ordinary numbers agrees with the metadata."""
    plain = read_phone(f"+1{area}{exchange}{line:04}", region="US")
    for cell in (
        f"({area}) {exchange}-{line:04}",
        f"{area}.{exchange}.{line:04}",
        f"{area}{exchange}{line:04}",
        f"tel:+1-{area}-{exchange}-{line:04}",
    ):
        reading = read_phone(cell, region="US")
        assert (reading.e164, reading.possible_only) == (plain.e164, plain.possible_only)
