"""Ways to prove to a vendor's HTTP API who is calling, as values.

A proof is asked for each request, with everything a signature may cover. None of them
shows its secret when it is printed.
"""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


class Auth(Protocol):
    """Proves who is calling."""

    def headers(self, method: str, url: str, body: bytes, kind: str | None) -> Mapping[str, str]:
        """The headers that prove a request; `kind` is its Content-Type, None without a body."""


@dataclass(frozen=True, slots=True)
class Static:
    """Headers that are the same for every request."""

    values: Mapping[str, str] = field(repr=False)

    def headers(
        self, _method: str, _url: str, _body: bytes, _kind: str | None
    ) -> Mapping[str, str]:
        """Those."""
        return self.values


UNPROVEN = Static({})
"""For a vendor that is told who calls in the body."""


def basic(user: str, password: str) -> Static:
    """RFC 7617."""
    token = b64encode(f"{user}:{password}".encode()).decode()
    return Static({"Authorization": f"Basic {token}"})


def bearer(token: str) -> Static:
    """RFC 6750."""
    return Static({"Authorization": f"Bearer {token}"})


def api_key(name: str, key: str) -> Static:
    """A header of the vendor's own."""
    return Static({name: key})
