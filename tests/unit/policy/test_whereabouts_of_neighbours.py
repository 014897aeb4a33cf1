import phonenumbers
from hypothesis import given
from hypothesis import strategies as st

from followup_policy.phones import country_of_phone, kin, likely_phone_zones, phone_zones
from followup_policy.zones import Place, _whereabouts, whereabouts


@given(area=st.integers(200, 999), exchange=st.integers(200, 999), line=st.integers(0, 9999))
def test_the_last_four_digits_of_a_nanp_number_say_nothing_about_where(area, exchange, line):
    """What is remembered for an area and exchange is what the whole number would give."""
    place = Place(country="US", phone=f"+1{area}{exchange}{line:04d}")
    assert whereabouts(place) == _whereabouts(place)


def _examples() -> list[str]:
    """A number of each kind libphonenumber knows of each region."""
    found = [
        phonenumbers.example_number_for_type(region, kind)
        for region in sorted(phonenumbers.SUPPORTED_REGIONS)
        for kind in range(11)
    ]
    e164 = phonenumbers.PhoneNumberFormat.E164
    return sorted({phonenumbers.format_number(number, e164) for number in found if number})


def test_a_number_and_its_kin_say_the_same_of_where_their_owners_are():
    """Country and clocks, for numbers of every kind and region."""
    examples = _examples()
    assert len(examples) > 900
    for number in examples:
        other = kin(number)
        assert phone_zones(other) == phone_zones(number)
        assert likely_phone_zones(other) == likely_phone_zones(number)
        assert country_of_phone(other) == country_of_phone(number)


def test_most_countries_need_one_number_to_be_remembered():
    """All of India is one; the United Kingdom shares its code with islands and is not."""
    assert kin("+919812345678") == kin("+912212345678")
    assert kin("+447911123456") == "+447911123456"
    assert kin("+") == "+"
