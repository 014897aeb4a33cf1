"""Link tokens: they come back as they were made, and no other string does."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup_suppression.tokens import LinkClaims, LinkSigner

KEY = b"a key of thirty-two bytes, about"
SIGNER = LinkSigner(KEY)
hashes = st.binary(min_size=32, max_size=32)


def token(kind="unsubscribe"):
    return SIGNER.sign(
        kind,
        tenant_id=UUID(int=1),
        touch_id=UUID(int=2),
        person_id=UUID(int=3),
        address_hash=b"h" * 32,
    )


@given(st.sampled_from(["unsubscribe", "link"]), st.uuids(), st.uuids(), st.uuids(), hashes)
def test_what_was_signed_is_read(kind, tenant, touch, person, address_hash):
    """And a token fits a mail header line and a URL as it is."""
    signed = SIGNER.sign(
        kind, tenant_id=tenant, touch_id=touch, person_id=person, address_hash=address_hash
    )
    assert SIGNER.verify(signed) == LinkClaims(kind, tenant, touch, person, address_hash)
    assert len(signed) < 200
    assert set(signed) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@given(st.integers(0, 151), st.characters())
def test_no_other_spelling_is_read(at, letter):
    """Any one letter changed, also to one that base64 would skip or not tell apart."""
    signed = token()
    changed = signed[:at] + letter + signed[at + 1 :]
    assert (SIGNER.verify(changed) is None) == (changed != signed)


@given(st.text(max_size=300))
def test_what_was_not_signed_is_not_read(text):
    """Whatever stands in the URL, nothing is raised."""
    assert SIGNER.verify(text) is None


def test_another_key_signs_for_nobody():
    """Nor does a token pass as one of another kind."""
    assert LinkSigner(b"another key of thirty-two bytes!").verify(token()) is None
    assert token("link") != token("unsubscribe")


def test_a_short_key_is_refused():
    """A key that can be guessed signs for everybody."""
    with pytest.raises(ValueError, match="16 bytes"):
        LinkSigner(b"short")
