"""Reading e-mail addresses out of cells."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup_intake.core.cells import tidy
from followup_intake.core.emails import match_key_email, read_email


@pytest.mark.parametrize(
    ("cell", "address"),
    [
        ("sam@example.com", "sam@example.com"),
        ("Sam.Lake@EXAMPLE.COM", "Sam.Lake@example.com"),
        ("\tsam@example.com\xa0", "sam@example.com"),
        ("sam@example.com\u200b", "sam@example.com"),
        ("sam+roof@example.com", "sam+roof@example.com"),
        ("señora@example.com", "señora@example.com"),
        ("sam@Bäckerei.example.org", "sam@bäckerei.example.org"),
        ("sam@xn--caf-dma.example.net", "sam@xn--caf-dma.example.net"),
        ("sam@例え.example.com", "sam@例え.example.com"),
    ],
)
def test_an_address_keeps_its_local_part_and_script(cell, address):
    """Only the domain's case changes, and that is no repair."""
    reading = read_email(tidy(cell))
    assert (reading.address, reading.repaired) == (address, False)


@pytest.mark.parametrize(
    "cell",
    [
        "<sam@example.com>",
        "Sam Lake <sam@example.com>",
        '"Lake, Sam" <sam@example.com>',
        "mailto:sam@example.com",
        "MAILTO:sam@example.com?subject=Roof",
        "sam@example.com.",
        "sam@example.com,",
        "sam @example.com",
        "sam@ example.com",
        "sam @ example.com",
        "sam@example.com (work)",
    ],
)
def test_what_stands_around_an_address_is_taken_off(cell):
    """Brackets, schemes, punctuation and blanks beside the @ are mended and noted."""
    reading = read_email(cell)
    assert (reading.address, reading.repaired) == ("sam@example.com", True)


@pytest.mark.parametrize(
    "cell",
    [
        "sam@lake@example.com",
        "sam@@example.com",
        "my sam@example.com",
        "sam 2@example.com",
        "sam@examplecom",
        "sam@example,com",
        "sam@example",
        "sam@",
        "@example.com",
        "sam.example.com",
        "sam@example .com",
        "sam@example.co m",
        "sam..lake@example.com",
        "n/a",
        "-",
        "no email",
        "asked, declined",
    ],
)
def test_what_is_no_address_is_unusable(cell):
    """A blank inside, two @ or no dot: a guess would write to a stranger."""
    reading = read_email(cell)
    assert reading.given
    assert reading.address is None


@pytest.mark.parametrize("between", [" / ", " or ", "; ", ", ", " ", "|", " and ", "\n"])
def test_the_first_of_two_addresses_is_taken(between):
    """A cell with two addresses gives the first and says so."""
    reading = read_email(f"sam@example.com{between}ann@example.org")
    assert (reading.address, reading.several) == ("sam@example.com", True)


def test_case_tag_and_script_of_the_domain_make_no_other_person():
    """The key for merging ignores them, and nothing else."""
    key = match_key_email("Sam+Roof@Bäckerei.example.com")
    assert key == match_key_email("sam@xn--bckerei-5wa.example.com")
    assert key != match_key_email("sams@xn--bckerei-5wa.example.com")


@given(st.text(max_size=80) | st.from_regex(r"[^@]{0,20}@[^@]{0,20}\.[a-z]{0,4}", fullmatch=True))
def test_any_text_is_read_and_reading_again_changes_nothing(text):
    """No cell raises, and an address that came out goes in as itself."""
    reading = read_email(tidy(text))
    if reading.address:
        again = read_email(reading.address)
        assert (again.address, again.repaired, again.several) == (reading.address, False, False)
        assert "@" in match_key_email(reading.address)
