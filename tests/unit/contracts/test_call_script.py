"""What a call says travels whole, and nothing else is taken for it."""

import base64
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup_contracts.call_script import CallScript

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=600)


@given(words, st.none() | words)
def test_what_was_packed_is_unpacked(say, voicemail):
    """In letters that a URL leaves as they are."""
    script = CallScript(say, voicemail)
    packed = script.packed()
    assert packed.replace("-", "").replace("_", "").isalnum()
    if len(packed) <= 4000:
        assert CallScript.unpacked(packed) == script


@given(st.text(max_size=400))
def test_other_text_is_no_script(text):
    """Whatever stands in a query, nothing is raised."""
    assert CallScript.unpacked(text) is None


@pytest.mark.parametrize(
    "raw",
    [b"{}", b'["x"]', b'["x", 5]', b'[1, "x"]', b'["x", "y", "z"]', b"[", b" " * 10_000_000],
)
def test_another_shape_is_no_script(raw):
    """Nor is one that grows without end as it is unpacked."""
    packed = base64.urlsafe_b64encode(zlib.compress(raw)).rstrip(b"=").decode()
    assert CallScript.unpacked(packed) is None
