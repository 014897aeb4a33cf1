"""Candidate zones and jurisdictions."""

from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup_policy import phones, regions
from followup_policy.zones import (
    Place,
    address_zones,
    lead_zones,
    phone_zones,
    state_of_area_code,
    whereabouts,
)

NY, CHI, DEN, LA = "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"
PHX, BOI, DET = "America/Phoenix", "America/Boise", "America/Detroit"
IND, MEN, LOU = "America/Indiana/Indianapolis", "America/Menominee", "America/Kentucky/Louisville"

# country, state, postal code, city, phone → zones
LEADS = [
    ("US", "FL", None, None, None, {NY, CHI}),
    ("US", "FL", "32541", None, None, {CHI}),
    ("US", "FL", "34102-1234", None, "+18505550100", {NY}),
    ("US", "FL", None, "Naples", None, {NY}),
    ("US", "FL", None, "Nowhere at all", None, {NY, CHI}),
    ("US", "FL", None, "St. Petersburg", None, {NY}),
    ("US", "Tennessee", "38501", None, None, {CHI}),
    ("US", "TN", "37660", None, None, {NY}),
    ("US", "TN", "37347", None, None, {CHI}),
    ("US", "TX", "79901", None, None, {DEN}),
    ("US", "TX", "79830", None, None, {CHI}),
    ("US", "TX", None, "EL PASO", None, {DEN}),
    ("US", "KY", "40203", None, None, {LOU}),
    ("US", "KY", None, None, None, {NY, CHI}),
    ("US", "KY", "42003", None, None, {CHI}),
    ("US", "IN", "46320", None, None, {CHI}),
    ("US", "IN", "46802", None, None, {IND}),
    ("US", "MI", "49938", None, None, {MEN}),
    ("US", "MI", None, None, None, {DET, MEN}),
    ("US", "ND", "58601", None, None, {DEN}),
    ("US", "NE", "69361", None, None, {DEN}),
    ("US", "SD", "57783", None, None, {DEN}),
    ("US", "KS", "67735", None, None, {DEN}),
    ("US", "OR", "97913", None, None, {BOI}),
    ("US", "ID", "83843", None, None, {LA}),
    ("US", "AZ", "85281", None, None, {PHX}),
    ("US", "AZ", "86515", None, None, {PHX, DEN}),
    ("US", "AK", "99701", None, None, {"America/Anchorage"}),
    ("US", "HI", None, None, None, {"Pacific/Honolulu"}),
    ("PR", None, "00901", None, None, {"America/Puerto_Rico"}),
    ("US", "PR", "00901", None, None, {"America/Puerto_Rico"}),
    ("US", "OH", "90001", None, None, {NY, LA}),  # state and postal code disagree
    ("US", None, "90001", None, None, {LA}),
    ("US", None, "nonsense", None, "+13035550100", {DEN}),
    ("US", None, None, None, "+12705550100", {NY, CHI}),
    ("US", None, None, None, "+15025550100", {LOU}),
    ("US", None, None, None, "+19045550100", {NY}),
    ("US", None, None, None, "+18885550100", set()),
    ("US", None, None, None, None, set()),
    ("CA", "QC", None, None, None, {"America/Toronto"}),
    ("CA", "SK", "S7K 1A1", None, None, {"America/Regina"}),
    ("CA", "ON", "P9N 1A1", None, None, {"America/Winnipeg"}),
    ("CA", None, "v6b 1a1", None, None, {"America/Vancouver"}),
    ("CA", None, None, None, "+15065550100", {"America/Moncton"}),
    ("AU", "WA", "6000", None, None, {"Australia/Perth"}),
    ("AU", None, "2880", None, None, {"Australia/Broken_Hill"}),
    ("AU", None, "2600", None, None, {"Australia/Sydney"}),
    ("AU", None, None, None, "+61491570006", set()),
    ("AU", None, None, None, "+61355500000", {"Australia/Melbourne"}),
    ("GB", None, None, None, None, {"Europe/London"}),
    (None, None, None, None, "+447700900123", {"Europe/London"}),
    ("FR", None, "97400", None, None, {"Indian/Reunion"}),
    ("FR", "PACA", "06000", None, None, {"Europe/Paris"}),
    ("DE", "Bayern", "80331", None, None, {"Europe/Berlin"}),
    ("ES", None, "35001", None, None, {"Atlantic/Canary"}),
    ("ES", None, "28001", None, None, {"Europe/Madrid"}),
    ("IT", None, None, None, None, {"Europe/Rome"}),
    ("IN", None, None, None, None, {"Asia/Kolkata"}),
    (None, None, None, None, None, set()),
    ("XX", None, None, None, None, set()),
]


@pytest.mark.parametrize(("country", "state", "postal", "city", "phone", "zones"), LEADS)
def test_a_lead_gets_the_zones_of_its_address_else_of_its_phone(
    country, state, postal, city, phone, zones
):
    """Postal code over city over state over phone; a contradiction keeps both sides."""
    found = lead_zones(country=country, state=state, postal_code=postal, city=city, phone=phone)
    assert found == zones


def test_the_phone_counts_even_beside_a_stated_zone():
    """A stated zone replaces the address, never what the area code says."""
    place = Place(
        stated_zone=LA, country="US", state="OH", postal_code="43004", phone="+12125550100"
    )
    found = whereabouts(place)
    assert found.zones == {LA, NY}
    assert found.jurisdictions == {"US", "US-OH", "US-NY"}


def test_a_misspelt_stated_zone_states_nothing():
    """Names the zone database has not, unsafe paths among them, are passed over."""
    for wrong in ("America/Nowhere", "../../etc/passwd", "", "/etc/localtime", "America"):
        found = whereabouts(Place(stated_zone=wrong, country="US", state="OH"))
        assert found.zones == {NY}


def test_an_unknown_state_has_every_contiguous_zone():
    """Nothing but the country: the four clocks and Arizona's, and no state's law."""
    found = whereabouts(Place(country="US", phone="+18005550199"))
    assert found.zones == {NY, CHI, DEN, PHX, LA}
    assert found.jurisdictions == {"US"}


def test_an_area_code_stands_in_for_a_missing_state():
    """Florida presumes a resident from the area code (Fla. Stat. 501.059)."""
    found = whereabouts(Place(country="US", phone="+13055550199"))
    assert found.zones == {NY, CHI}
    assert found.jurisdictions == {"US", "US-FL"}


def test_a_phone_from_abroad_adds_its_country_to_an_unknown_state():
    """Neither the missing state nor the foreign phone silences the other."""
    found = whereabouts(Place(country="US", phone="+442079460000"))
    assert found.zones == {NY, CHI, DEN, PHX, LA, "Europe/London"}
    assert found.jurisdictions == {"US", "GB"}


def test_nothing_known_gives_no_zone():
    """Without country and phone there is no candidate at all."""
    found = whereabouts(Place())
    assert found.zones == frozenset()
    assert found.jurisdictions == frozenset()


def test_a_contradicting_postal_code_adds_its_state():
    """Both states' laws apply when state and postal code disagree."""
    found = whereabouts(Place(country="US", state="NJ", postal_code="32801"))
    assert found.jurisdictions == {"US", "US-NJ", "US-FL"}
    assert found.zones == {NY}


def test_a_city_does_not_settle_what_caution_decides():
    """For an import a city settles the zone; for the hours of contact only a postal code does."""
    assert address_zones(country="US", state="TX", postal_code=None, city="Houston") == {CHI}
    assert whereabouts(Place(country="US", state="TX", city="Houston")).zones == {CHI, DEN}
    assert whereabouts(Place(country="US", state="TX", postal_code="77002")).zones == {CHI}


def test_split_area_codes_have_both_clocks():
    """Codes that libphonenumber gives one zone for (850, 448, 423, 270, 364, 308)."""
    for code in (850, 448, 423, 270, 364):
        assert phone_zones(f"+1{code}5550100") >= {NY, CHI}
    assert phone_zones("+13085550100") >= {CHI, DEN}


def test_every_area_code_of_a_state_names_it():
    """US and Canadian area codes give their state, other numbers none."""
    assert state_of_area_code("+12395550100") == "FL"
    assert state_of_area_code("+16045550100") == "BC"
    for other in ("+18005550100", "+18765550100", "+442079460000", "12395550100", "x", None):
        assert state_of_area_code(other) is None


def test_every_zone_of_the_tables_exists():
    """No table names a zone the zone database has not."""
    known = available_timezones()
    for country in regions.atlas().values():
        for region in (country, *country.regions.values()):
            named = {z for spot in region.places for z in spot.zones}
            assert {*region.zones, *region.corners, *region.settled, *named} <= known
        assert set(country.unknown) <= known
    table = phones.area_codes()
    for row in (*table.clocks, *table.prefixes.values()):
        assert {*row.zones, *row.corners} <= known


def test_every_part_of_a_region_keeps_a_clock_of_the_region():
    """A postal code narrows its state: what it says is among the state's zones and corners."""
    for name in ("US", "CA"):
        for code, region in regions.country_of(name).regions.items():
            wide = region.everywhere(cautious=True)
            for spot in region.places:
                extra = {"America/Kentucky/Louisville", "America/Blanc-Sablon", "America/Atikokan"}
                assert set(spot.zones) - extra <= wide, code


def test_each_state_has_postal_codes_of_its_own():
    """Every US state is found from one of its postal prefixes, and no prefix has two owners."""
    country = regions.country_of("US")
    for code, region in country.regions.items():
        for prefix in regions._runs(region.postal):
            assert (
                regions.regions_of_postal("US", prefix.ljust(5, "0")) == {code} or len(prefix) > 3
            )


COUNTRIES = st.sampled_from([None, "US", "CA", "AU", "GB", "ES", "XX"])
STATES = st.sampled_from([None, "FL", "TX", "IN", "AK", "BC", "NSW", "Ain", "florida"])
POSTAL = st.sampled_from([None, "32501", "79901", "10001", "V6B1A1", "2880", "35001", "?"])
PHONES = st.sampled_from(
    [None, "+18505550100", "+18005550100", "+61491570006", "+442079460000", "+12085550100", "x"]
)


@given(country=COUNTRIES, state=STATES, postal=POSTAL, phone=PHONES)
def test_a_phone_never_removes_a_zone_or_a_law(country, state, postal, phone):
    """Knowing a phone adds candidates to a known address; it never takes one away."""
    without = whereabouts(Place(country=country, state=state, postal_code=postal))
    with_phone = whereabouts(Place(country=country, state=state, postal_code=postal, phone=phone))
    settled = address_zones(country=country, state=state, postal_code=postal)
    assert settled <= with_phone.zones
    assert without.jurisdictions <= with_phone.jurisdictions


@given(country=COUNTRIES, state=STATES, postal=POSTAL, phone=PHONES)
def test_a_known_country_or_phone_always_has_zones(country, state, postal, phone):
    """Zones are empty only when neither country nor phone says where."""
    found = whereabouts(Place(country=country, state=state, postal_code=postal, phone=phone))
    assert bool(found.zones) == bool(found.jurisdictions)


@given(country=COUNTRIES, state=STATES, postal=POSTAL, phone=PHONES)
def test_what_an_import_states_is_among_the_candidates(country, state, postal, phone):
    """The likely zones are a part of the cautious ones."""
    likely = lead_zones(country=country, state=state, postal_code=postal, city=None, phone=phone)
    place = Place(country=country, state=state, postal_code=postal, phone=phone)
    assert likely <= whereabouts(place).zones
