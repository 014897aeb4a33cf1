"""Whether a webhook is Twilio's own (twilio.com/docs/usage/security).

`X-Twilio-Signature` is the Base64 of an HMAC over the address that was asked and the
form's fields, sorted, each distinct value behind its name. By default SHA-1 under the
account's auth token; with `X-Twilio-Webhooks-Signature-Settings: key=…,algorithm=…` a
shared key of its own and the algorithm named. It holds no time: replays are for the
caller to tell by their ids.
"""

import hmac
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import SplitResult, urlsplit

HEADER = "x-twilio-signature"
SETTINGS_HEADER = "x-twilio-webhooks-signature-settings"

DEFAULT_ALGORITHM = "HMAC_SHA1"
ALGORITHMS: Mapping[str, str] = MappingProxyType({"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"})

Fields = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Signing:
    """How a webhook says that it is signed; `key` None: the account's auth token."""

    algorithm: str = DEFAULT_ALGORITHM
    key: str | None = None

    @classmethod
    def read(cls, header: str | None) -> "Signing":
        """What the settings header says; without one the default."""
        parts = [part.partition("=") for part in (header or "").split(",")]
        said = {name.strip(): value.strip() for name, _, value in parts if value.strip()}
        algorithm = said.get("algorithm", DEFAULT_ALGORITHM).upper()
        return cls(algorithm, said.get("key"))


def secret_for(signing: Signing, secrets: Mapping[str, str]) -> str | None:
    """The secret of an account that this must be signed with, or None.

    `auth_token`, which accounts with an API key need too; for a shared key
    `webhook_key_sid` names it and `webhook_key_secret` is it.
    """
    if signing.key is None:
        return secrets.get("auth_token") or None
    if signing.key != secrets.get("webhook_key_sid"):
        return None
    return secrets.get("webhook_key_secret") or None


def genuine(
    signature: str, *, url: str, fields: Fields, secret: str, algorithm: str = DEFAULT_ALGORITHM
) -> bool:
    """Whether this signature is that of `url` and `fields`; compared in constant time.

    Twilio signs the address with or without its port, whichever it was given.
    """
    digest = ALGORITHMS.get(algorithm)
    if digest is None or not signature:
        return False
    try:
        spellings = _spellings(url)
    except ValueError:  # a host or port that is none
        return False
    given = signature.encode("utf-8", "surrogatepass")
    matches = [
        hmac.compare_digest(given, sign(spelled, fields=fields, secret=secret, digest=digest))
        for spelled in spellings
    ]
    return any(matches)


def sign(url: str, *, fields: Fields, secret: str, digest: str) -> bytes:
    """The signature of an address and a form."""
    signed = url + "".join(name + value for name, value in sorted(set(fields)))
    return b64encode(hmac.digest(secret.encode(), signed.encode("utf-8", "surrogatepass"), digest))


def _spellings(url: str) -> tuple[str, str]:
    """The address without and with its port."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    if parts.port is None:
        port = 443 if parts.scheme == "https" else 80
        return url, _at(url, parts, f"{host}:{port}")
    return _at(url, parts, host.rpartition(":")[0]), url


def _at(url: str, parts: SplitResult, netloc: str) -> str:
    # Put together by hand: the rest must stay as it was written, to the letter.
    begin = url.index(parts.netloc)
    return url[:begin] + netloc + url[begin + len(parts.netloc) :]
