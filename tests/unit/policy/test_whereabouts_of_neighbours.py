from hypothesis import given
from hypothesis import strategies as st

from followup_policy.zones import Place, _whereabouts, whereabouts


@given(area=st.integers(200, 999), exchange=st.integers(200, 999), line=st.integers(0, 9999))
def test_the_last_four_digits_of_a_nanp_number_say_nothing_about_where(area, exchange, line):
    """What is remembered for an area and exchange is what the whole number would give."""
    place = Place(country="US", phone=f"+1{area}{exchange}{line:04d}")
    assert whereabouts(place) == _whereabouts(place)
