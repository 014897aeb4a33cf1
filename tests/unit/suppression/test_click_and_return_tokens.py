"""Tokens of counted links and of return paths: ours alone, and one spelling each."""

from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup_suppression.clicks import Click, ClickSigner, leads_to_the_web
from followup_suppression.returning import ReturnTags, tag_of, tagged

KEY = b"a key of thirty-two bytes, about"
SIGNER, TAGS = ClickSigner(KEY), ReturnTags(KEY)
TARGETS = st.from_regex(r"https?://[a-z]{1,20}\.example/[A-Za-z0-9/?&=%#.-]{0,200}", fullmatch=True)


@given(target=TARGETS, ids=st.tuples(st.uuids(), st.uuids(), st.uuids()))
def test_a_link_leads_where_it_was_written_to_lead(target, ids):
    """Target and ids come back whole; another key does not read them."""
    click = Click(*ids, target)
    token = SIGNER.sign(click)
    assert SIGNER.verify(token) == click
    assert ClickSigner(KEY[::-1]).verify(token) is None


@given(junk=st.text(max_size=300), at=st.integers(0, 200), letter=st.characters(codec="ascii"))
def test_nobody_else_can_make_or_change_a_link(junk, at, letter):
    """No open redirect: altered, cut and made-up tokens lead nowhere, and raise nothing."""
    assert SIGNER.verify(junk) is None
    token = SIGNER.sign(Click(uuid4(), uuid4(), uuid4(), "https://shop.example/"))
    at %= len(token)
    changed = token[:at] + letter + token[at + 1 :]
    assert changed == token or SIGNER.verify(changed) is None
    assert SIGNER.verify(token[:at]) is None
    assert SIGNER.verify(token + "=") is None


@pytest.mark.parametrize(
    "target",
    [
        "javascript:alert(1)",
        "//shop.example/",
        "https://shop.example@evil.example/",
        "ftp://shop.example/",
        "https://",
        "https://[shop",
        "https://shop.example/\r\nSet-Cookie: x",
        "https://shop.example/" + "a" * 2000,
        "https://shop.example/" + "ж" * 1100,  # octets count: the token holds them
    ],
)
def test_only_web_links_are_counted(target):
    """Anything else is never signed."""
    assert not leads_to_the_web(target)
    with pytest.raises(ValueError, match="http"):
        SIGNER.sign(Click(uuid4(), uuid4(), uuid4(), target))


@given(attempt=st.uuids())
def test_a_return_path_names_its_attempt_in_any_letters_case(attempt):
    """Mail servers may change capitals; a local part has 64 characters at most."""
    address = tagged("bounces@mail.example", TAGS.write(attempt))
    assert len(address.partition("@")[0]) <= 64
    for written in (address, address.upper()):
        assert TAGS.read(tag_of(written)) == attempt
    assert ReturnTags(KEY[::-1]).read(tag_of(address)) is None


def test_an_address_without_room_stays_as_it_is():
    """A local part has 64 octets at most (RFC 5321 section 4.5.3.1.1)."""
    tag = TAGS.write(uuid4())
    for local in ("b", "b" * 21, "b" * 22, str(uuid4())):
        address = tagged(f"{local}@mail.example", tag)
        fits = len(local) + 1 + len(tag) <= 64
        assert address == (f"{local}+{tag}@mail.example" if fits else f"{local}@mail.example")


@given(junk=st.text(max_size=60))
def test_a_made_up_return_path_names_nothing(junk):
    """Whoever sends to bounces+anything stops nobody's mail."""
    assert TAGS.read(junk) is None
    assert tag_of("bounces@mail.example") is None
