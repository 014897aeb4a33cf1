"""What both clients have in common: what they are told, and how a request is made of a call."""

import ssl
from dataclasses import dataclass, field

import httpx

from followup_client.addresses import Addresses
from followup_client.call import Call
from followup_client.retrying import Patience

BLOCK = 64 * 1024
"""Bytes of a file that are read at once."""
_CONNECT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Options:
    """How a client works. `seconds` may pass without a byte of an answer.

    `verify`: a context of your own where a private authority vouches for Followup.
    """

    patience: Patience = field(default_factory=Patience)
    seconds: float = 10.0
    verify: ssl.SSLContext | bool = True


@dataclass(frozen=True, slots=True)
class Requests:
    """Makes requests of calls; its key shows in no text."""

    addresses: Addresses
    options: Options
    key: str = field(repr=False)

    def __post_init__(self) -> None:
        if not self.key or not self.key.isascii() or not self.key.isprintable() or " " in self.key:
            raise ValueError("the API key is not one of Followup's")

    def url(self, call: Call[object]) -> str:
        """Where it goes."""
        return self.addresses.url(call.service, call.path)

    def headers(self, call: Call[object]) -> dict[str, str]:
        """Its headers, with the key."""
        return {
            "Accept": "application/json",
            **call.headers,
            "Authorization": f"Bearer {self.key}",
        }

    def timeout(self, call: Call[object]) -> httpx.Timeout:
        """Its limits of time."""
        seconds = max(self.options.seconds, call.seconds or 0.0)
        return httpx.Timeout(seconds, connect=min(seconds, _CONNECT_SECONDS))
