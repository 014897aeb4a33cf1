import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup_suppression import AddressHasher, Kind, normalise_v1

KEY = b"0123456789abcdef0123456789abcdef"
DIGITS = st.text("0123456789", min_size=7, max_size=15).filter(lambda d: not d.startswith("0"))
NOISE = st.text(" -().\u00a0\u2011\u200b\u202d", max_size=3)
LOCALS = st.text("abcdefghijklmnopqrstuvwxyz0123456789.+-_äöüéñß", min_size=1, max_size=20)
LABELS = st.text("abcdefghijklmnopqrstuvwxyz0123456789äöüé", min_size=1, max_size=12)


@given(DIGITS, st.lists(NOISE, min_size=16, max_size=16), st.sampled_from(["+", "00", ""]))
def test_a_phone_number_is_the_same_however_it_is_set(digits, noise, prefix):
    """Separators, invisible characters and the international prefix tell nothing apart."""
    written = prefix + "".join(a + b for a, b in zip(noise, digits, strict=False))
    assert normalise_v1("phone", written) == normalise_v1("phone", f"+{digits}") == digits


@given(DIGITS, st.sampled_from([0x0660, 0x06F0, 0x0966, 0xFF10]))
def test_digits_of_any_script_are_digits(digits, zero):
    """A number typed on an Arabic, Persian, Hindi or full-width keyboard is the same one."""
    written = "+" + "".join(chr(zero + int(d)) for d in digits)
    assert normalise_v1("phone", written) == digits


@given(LOCALS, st.lists(LABELS, min_size=2, max_size=3))
def test_an_email_is_the_same_in_any_case_form_and_padding(local, labels):
    """Case, Unicode form, padding and a root dot tell nothing apart."""
    address = f"{local}@{'.'.join(labels)}"
    expected = normalise_v1("email", address)
    variants = (
        address.upper(),
        unicodedata.normalize("NFD", address),
        unicodedata.normalize("NFC", address),
        f" \t{address}\u200b\r\n",
        address + ".",
    )
    assert {normalise_v1("email", v) for v in variants} == {expected}


@given(LOCALS, LABELS)
def test_a_domain_is_the_same_in_punycode(local, label):
    """Mail systems write a domain either way."""
    punycode = ".".join(
        p if p.isascii() else "xn--" + p.encode("punycode").decode() for p in (label, "example")
    )
    assert normalise_v1("email", f"{local}@{punycode}") == normalise_v1(
        "email", f"{local}@{label}.example"
    )


@given(st.sampled_from(["phone", "email"]), st.text(max_size=60))
def test_any_text_normalises_and_stays_normal(kind, text):
    """Nothing makes the normaliser fail, and its result is its own normal form."""
    once = normalise_v1(kind, text)
    assert AddressHasher(KEY).hash(kind, text) == AddressHasher(KEY).hash(kind, once)


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("email", "pat@example.com", "pat+x@example.com"),
        ("email", "pat@example.com", "pat@example.org"),
        ("phone", "+12025550100", "+12025550101"),
    ],
)
def test_different_addresses_have_different_hashes(kind: Kind, one: str, other: str):
    """A tag, a domain or a digit more is another address."""
    hasher = AddressHasher(KEY)
    assert hasher.hash(kind, one) != hasher.hash(kind, other)


def test_the_hash_of_version_one_never_changes():
    """The list outlives every release: these values are what stands in databases."""
    hasher = AddressHasher(KEY)
    assert (
        hasher.hash("phone", "+1 (202) 555-0100").hex()
        == "bdc72c94526ac65cdcb182904bd5c440e674fb6d83725e4b5877150598a639f0"
    )
    assert (
        hasher.hash("email", "Pat.Müller@Example.COM").hex()
        == "1c6be90a6ded1430a4585291984f3b1cf3732611bb53b64d5a52f899d01903d0"
    )


def test_the_key_and_the_kind_are_part_of_the_hash():
    """Nobody without the key can test an address; a phone is no e-mail."""
    hasher = AddressHasher(KEY)
    assert hasher.hash("phone", "12025550100") != hasher.hash("email", "12025550100")
    assert hasher.hash("phone", "12025550100") != AddressHasher(KEY[::-1]).hash(
        "phone", "12025550100"
    )


def test_a_short_key_is_refused():
    """A key that can be guessed hides nothing."""
    with pytest.raises(ValueError, match="16 bytes"):
        AddressHasher(b"short")
