"""Provider secrets under lock: sealed with Fernet, several keys at once for rotation."""

from collections.abc import Mapping, Sequence

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from followup_directory.errors import SealBroken

NOTHING = b""
"""What stands where an account has no secrets."""


class Vault:
    """Seals with the first of FOLLOWUP_SECRET_KEYS and opens with any of them.

    Keys are Fernet keys (32 bytes, URL-safe base64); raises `ValueError` for others,
    and when there are none.
    """

    __slots__ = ("_fernet",)

    def __init__(self, keys: Sequence[str]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    def seal(self, secrets: Mapping[str, str]) -> bytes:
        """The secrets, sealed; a different text every time."""
        return self._fernet.encrypt(orjson.dumps(dict(secrets))) if secrets else NOTHING

    def open(self, sealed: bytes) -> dict[str, str]:
        """The secrets again; raises `SealBroken` when no key fits."""
        if sealed == NOTHING:
            return {}
        try:
            opened: dict[str, str] = orjson.loads(self._fernet.decrypt(sealed))
        except InvalidToken:
            raise SealBroken("none of FOLLOWUP_SECRET_KEYS opens these secrets") from None
        return opened


def new_secret_key() -> str:
    """A fresh key for FOLLOWUP_SECRET_KEYS."""
    return Fernet.generate_key().decode()
