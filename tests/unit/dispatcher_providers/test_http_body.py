"""What a request carries, as octets."""

from urllib.parse import urlencode

from hypothesis import given
from hypothesis import strategies as st

from followup_dispatcher.providers.http_body import form


@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=40)), max_size=4))
def test_a_form_is_written_as_everybody_writes_it(fields):
    """Blanks as plus signs, octets of UTF-8 in hexadecimal, in the order given."""
    assert form(fields).octets == urlencode(fields).encode()
