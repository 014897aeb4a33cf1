"""Signed addresses that letters are answered at."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup_suppression.replying import Named, ReplyAddresses
from followup_suppression.returning import ReturnTags

KEY = bytes(range(32))
OURS = ReplyAddresses(KEY)
PURPOSES = st.sampled_from(["reply", "unsubscribe"])


@given(PURPOSES, st.uuids(), st.booleans())
def test_an_address_names_its_letter_and_what_it_is_for(purpose, attempt, shouted):
    """However a server writes it; within the lengths of RFC 5321 section 4.5.3.1."""
    address = OURS.write(purpose, attempt, "in.example.com")
    assert len(address.partition("@")[0]) <= 64
    assert OURS.read(address.upper() if shouted else address) == Named(purpose, attempt)


@given(
    PURPOSES, st.uuids(), st.integers(0, 43), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567+")
)
def test_one_letter_off_is_nobodys(purpose, attempt, place, letter):
    """Changed anywhere, and so one purpose into the other, it names nothing."""
    local, _, domain = OURS.write(purpose, attempt, "in.example.com").partition("@")
    changed = local[:place] + letter + local[place + 1 :]
    found = OURS.read(f"{changed}@{domain}")
    assert changed == local or found is None or found == Named(purpose, attempt)


@given(st.text(max_size=80))
def test_any_text_is_read(text):
    """Nothing raises, and nothing that was not written by the key is believed."""
    assert OURS.read(text) is None
    assert OURS.read(f"r+{text}@x") is None


@pytest.mark.parametrize("prefix", ["r", "u", "bounces"])
def test_a_tag_of_a_return_path_is_no_reply_address(prefix):
    """Whoever is sent a bounce learns no address that unsubscribes somebody."""
    attempt = UUID(int=7)
    tag = ReturnTags(KEY).write(attempt)
    assert OURS.read(f"{prefix}+{tag}@in.example.com") is None
    assert ReplyAddresses(KEY[::-1]).read(OURS.write("reply", attempt, "x.example")) is None
