"""Amazon's certificates: fetched once from where only Amazon can put them, and kept."""

from collections.abc import Awaitable, Callable
from datetime import datetime

import httpx
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import Certificate, load_pem_x509_certificate

_MOST_KEPT = 64
_LARGEST = 32 * 1024
_SECONDS = 5.0
_OK = 200

Fetch = Callable[[str], Awaitable[bytes]]
"""The body at an https address; raises `httpx.HTTPError`, or `ValueError` for a strange one."""


async def fetch(url: str) -> bytes:
    """Get a small body; follows nobody elsewhere."""
    async with httpx.AsyncClient(timeout=_SECONDS, follow_redirects=False) as client:
        answer = await client.get(url)
    if answer.status_code != _OK or len(answer.content) > _LARGEST:
        raise ValueError(f"status {answer.status_code}, {len(answer.content)} bytes")
    return answer.content


class Certificates:
    """Keys by the address of their certificate. Addresses are checked by who asks."""

    def __init__(self, get: Fetch = fetch) -> None:
        self._get = get
        self._kept: dict[str, Certificate] = {}

    async def key(self, url: str, *, at: datetime) -> RSAPublicKey | None:
        """The key of a certificate in force at `at`; None for any other.

        Raises `httpx.HTTPError` or `ValueError` when it can't be had now.
        """
        certificate = self._kept.get(url)
        if certificate is None:
            certificate = load_pem_x509_certificate(await self._get(url))
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[url] = certificate
        if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
            return None
        key = certificate.public_key()
        return key if isinstance(key, RSAPublicKey) else None
