"""Reading addresses: country, state, postal code."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup_intake.core.places import read_place
from followup_intake.core.postal import read_postal, state_of_postal


def _place(country="", state="", postal_code="", abroad=None):
    return read_place(country=country, state=state, postal_code=postal_code, city="", abroad=abroad)


@pytest.mark.parametrize(
    ("cell", "country"),
    [
        ("U.S.A.", "US"),
        ("united states of america", "US"),
        ("Estados Unidos", "US"),
        ("UK", "GB"),
        ("Great Britain", "GB"),
        ("Scotland", "GB"),
        ("Deutschland", "DE"),
        ("España", "ES"),
        ("CAN", "CA"),
        ("aus", "AU"),
        ("nz", "NZ"),
        ("Untied States", "US"),
    ],
)
def test_countries_by_any_name(cell, country):
    """Codes, names in several languages, and common slips."""
    assert _place(cell).country == country


@pytest.mark.parametrize(
    ("country", "cell", "state"),
    [
        ("US", "texas", "TX"),
        ("US", "T.X.", "TX"),
        ("US", " Tex ", "TX"),
        ("US", "Carolina del Norte", "NC"),
        ("US", "Pensylvania", "PA"),
        ("US", "TX 78701", "TX"),
        ("CA", "Colombie-Britannique", "BC"),
        ("CA", "P.E.I.", "PE"),
        ("AU", "new south wales", "NSW"),
        ("AU", "W.A.", "WA"),
        ("GB", "Kent", "Kent"),
        ("US", "Atlantis", "Atlantis"),
    ],
)
def test_states_become_codes_where_codes_are_kept(country, cell, state):
    """In US, CA and AU; elsewhere and in doubt the state stays as given."""
    assert _place(country, cell.strip()).state == state


@pytest.mark.parametrize(
    ("state", "postal_code", "country"),
    [
        ("ON", "", "CA"),
        ("", "T2P 1J9", "CA"),
        ("", "SW1A 1AA", "GB"),
        ("", "78701", "US"),
        ("WA", "98101", "US"),
        ("WA", "6000", "AU"),
        ("NT", "X1A 2P3", "CA"),
        ("NT", "0800", "AU"),
        ("Bayern", "80331", "DE"),
        ("England", "", "GB"),
        ("", "", None),
    ],
)
def test_the_country_follows_from_state_or_postal_code(state, postal_code, country):
    """Where both could be several countries', they settle each other."""
    assert _place("", state, postal_code).country == country


def test_five_digits_do_not_outvote_a_phone_from_abroad():
    """A French number beside 75001 is not from Texas."""
    assert _place("", "", "75001", abroad="FR").country is None


@pytest.mark.parametrize(
    ("country", "cell", "code"),
    [
        ("US", "2108", "02108"),
        ("US", "2108.0", "02108"),
        ("US", "'02108", "02108"),
        ("US", '="02108"', "02108"),
        ("US", "02108-1234", "02108-1234"),
        ("US", "021081234", "02108-1234"),
        ("CA", "k1p1j1", "K1P 1J1"),
        ("GB", "sw1a1aa", "SW1A 1AA"),
        ("FR", "6000", "06000"),
        ("DE", "D-10115", "10115"),
        ("AU", "800", "0800"),
        ("NL", "1012ab", "1012 AB"),
    ],
)
def test_postal_codes_are_written_the_official_way(country, cell, code):
    """Zeros that a spreadsheet ate are put back."""
    assert read_postal(cell, country).code == code


@pytest.mark.parametrize("cell", ["ABCDE", "00000", "999999", "12", "K1P 1J1"])
def test_a_postal_code_that_is_none_is_a_fault(cell):
    """It is dropped and named."""
    reading = read_postal(cell, "US")
    assert (reading.code, reading.fault) == (None, True)


def test_state_and_postal_code_may_be_at_odds():
    """A Texan in Manhattan's postal code is one or the other; Canberra and NSW share theirs."""
    assert _place("US", "TX", "10001").at_odds
    assert not _place("US", "TX", "78701").at_odds
    assert _place("CA", "ON", "V6B 1A1").at_odds
    assert not _place("AU", "NSW", "2600").at_odds


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=20))
def test_any_address_is_read_and_its_code_is_its_own(country, state, postal_code):
    """No address raises, and a postal code that came out goes in as itself."""
    place = _place(country, state, postal_code)
    if place.postal_code:
        assert read_postal(place.postal_code, place.country).code == place.postal_code
        state_of_postal(place.postal_code, place.country)
