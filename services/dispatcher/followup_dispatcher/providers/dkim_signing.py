"""DKIM (RFC 6376): the domain's word for a letter, without which bulk mail is refused.

One-click unsubscribing counts only where both of its headers are signed (RFC 8058 section
4), so they are, with everything else a reader relies on. Settings `dkim_domain` and
`dkim_selector`, secret `dkim_private_key` (PEM); all three or none.
"""

from collections.abc import Callable, Mapping
from typing import Any

import dkim

from followup_dispatcher.providers import settings as read

_SIGNED = tuple(
    name.encode()
    for name in (
        "from", "to", "subject", "date", "message-id", "in-reply-to", "references", "reply-to",
        "list-unsubscribe", "list-unsubscribe-post", "auto-submitted", "mime-version",
        "content-type", "content-transfer-encoding",
    )
)  # fmt: skip
_SAMPLE = b"From: a@example.com\r\nTo: b@example.com\r\nSubject: s\r\n\r\nw\r\n"

Sign = Callable[[bytes], bytes]
"""From a letter to the same letter with its signature before it."""


def signer(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> Sign | None:
    """What signs an account's letters, None where it has no key.

    Raises `ValueError` where one of the three is missing or the key is none.
    """
    domain, selector = (
        read.optional(settings, "dkim_domain"),
        read.optional(settings, "dkim_selector"),
    )
    key = secrets.get("dkim_private_key")
    if not domain and not selector and not key:
        return None
    if not domain or not selector or not key:
        raise ValueError("dkim_domain, dkim_selector and the secret dkim_private_key go together")
    names, private = (selector.encode(), domain.encode("idna")), key.encode()

    def sign(octets: bytes) -> bytes:
        signature: bytes = dkim.sign(
            octets, *names, private, canonicalize=(b"relaxed", b"relaxed"), include_headers=_SIGNED
        )
        return signature + octets

    try:
        sign(_SAMPLE)
    except (dkim.DKIMException, ValueError, IndexError, TypeError) as error:
        raise ValueError("dkim_private_key: not an RSA key in PEM") from error
    return sign
