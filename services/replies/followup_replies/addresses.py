"""Addresses as they come in, and the keys people are found by."""

import unicodedata
from email.utils import parseaddr

from followup_contracts.channels import TRAITS, Channel
from followup_suppression import Kind

LONGEST = 320
"""Characters of an address: 64 before the @, 255 behind it (RFC 5321, 4.5.3.1)."""


def kind_of(channel: Channel) -> Kind:
    """What addresses of a channel are."""
    return TRAITS[channel].address


def bare(channel: Channel, written: str) -> str:
    """The address itself: no display name, no channel prefix ("whatsapp:+1…"), no blanks."""
    if kind_of(channel) == "email":
        return (parseaddr(written)[1] or written).strip()
    return "".join(written.rpartition(":")[2].split())


def match_key(channel: Channel, address: str) -> str:
    """What a contact point is recognised by, the same that intake writes.

    A number is in E.164 already. An e-mail address is case-folded, without its `+tag`;
    the two forms of an internationalised domain (RFC 5891) give the same key.
    """
    if kind_of(channel) != "email":
        return address
    local, _, domain = unicodedata.normalize("NFC", address).rpartition("@")
    return f"{local.partition('+')[0].casefold() or local.casefold()}@{_ascii(domain)}"


def _ascii(domain: str) -> str:
    folded = domain.casefold()
    if folded.isascii():
        return folded
    try:
        return domain.lower().encode("idna").decode("ascii")
    except UnicodeError:
        return folded
