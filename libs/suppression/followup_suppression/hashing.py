"""Addresses as keyed hashes: the only form in which the list knows them.

The key is never rotated and the normaliser never changes: a second version is a
second function with a second version byte, and both are looked up.
"""

import hmac
import re
import unicodedata
from typing import assert_never

from followup_contracts.channels import AddressKind

Kind = AddressKind

_VERSION_1 = b"\x01"
_E164 = re.compile(r"\+[1-9][0-9]*")
_SHORTEST_KEY = 16


def normalise_v1(kind: Kind, address: str) -> str:
    """The one spelling of an address, whatever it was written like; never fails.

    A phone number in international form becomes its digits, without `+` or `00`
    (ITU-T E.164); digits of any script count. An e-mail address is caseless and
    whole, a `+tag` included, and its domain is Unicode, not Punycode (RFC 3492).
    """
    match kind:
        case "phone":
            return _phone(address)
        case "email":
            return _email(address)
        case "instagram":
            return _caseless(address)
        case _:
            assert_never(kind)


class AddressHasher:
    """HMAC-SHA256 of normalised addresses under the installation's suppression key."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if len(key) < _SHORTEST_KEY:
            raise ValueError(f"a suppression key has at least {_SHORTEST_KEY} bytes")
        self._key = key

    def hash(self, kind: Kind, address: str) -> bytes:
        """32 bytes, equal for every spelling of the same address."""
        text = _VERSION_1 + kind.encode() + b"\0" + normalise_v1(kind, address).encode()
        return hmac.digest(self._key, text, "sha256")


def _phone(address: str) -> str:
    if _E164.fullmatch(address):
        return address[1:]  # as it is kept: nothing about it needs folding
    folded = _caseless(address)
    digits = "".join(str(unicodedata.decimal(c)) for c in folded if c.isdecimal())
    # No country code begins with 0. An alphanumeric sender has no digits at all; a stop
    # from it must still be written down.
    return digits.lstrip("0") or digits or folded


def _email(address: str) -> str:
    local, at, domain = _caseless(address).rpartition("@")
    labels = (_unicode_label(label) for label in domain.rstrip(".").split("."))
    return local + at + ".".join(labels)


def _caseless(text: str) -> str:
    # Compatibility caseless matching, definition D146 of the Unicode Standard. What
    # cannot be seen (spaces, controls, formatting) tells no two addresses apart, and a
    # lone surrogate can't be encoded at all.
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFD", text).casefold())
    folded = unicodedata.normalize("NFKD", folded.casefold())
    kept = (c for c in folded if not c.isspace() and unicodedata.category(c) not in _UNSEEN)
    return unicodedata.normalize("NFKD", "".join(kept))


_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"})


def _unicode_label(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return _caseless(label[4:].encode("ascii").decode("punycode"))
    except UnicodeError:
        return label
