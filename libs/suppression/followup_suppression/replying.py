"""Addresses that know which letter is answered or unsubscribed from: signed, for anybody may write.

`r+TAG@mail.example` takes answers, `u+TAG@mail.example` the letter of a mail program's
unsubscribe button (RFC 2369 section 3.2). Tags are made as those of return paths; one of the
one sort is worth nothing as the other.
"""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from followup_suppression.returning import Tags

Purpose = Literal["reply", "unsubscribe"]


class _ReplyTags(Tags):
    __slots__ = ()

    purpose = b"followup reply tag v1\0"


class _UnsubscribeTags(Tags):
    __slots__ = ()

    purpose = b"followup unsubscribe tag v1\0"


@dataclass(frozen=True, slots=True)
class Named:
    """The attempt that a genuine address names, and what is written to it for."""

    purpose: Purpose
    attempt_id: UUID


class ReplyAddresses:
    """Writes and reads these addresses under one key."""

    __slots__ = ("_tags",)

    def __init__(self, key: bytes) -> None:
        self._tags: dict[str, tuple[Purpose, Tags]] = {
            "r": ("reply", _ReplyTags(key)),
            "u": ("unsubscribe", _UnsubscribeTags(key)),
        }

    def write(self, purpose: Purpose, attempt_id: UUID, domain: str) -> str:
        """The address of an attempt's letter, in a domain whose mail comes to us."""
        prefix = purpose[0]
        return f"{prefix}+{self._tags[prefix][1].write(attempt_id)}@{domain}"

    def read(self, address: str) -> Named | None:
        """What an address names that this key wrote, whatever its domain; else None."""
        local = address.rpartition("@")[0].lower()
        prefix, plus, tag = local.partition("+")
        if not plus or prefix not in self._tags:
            return None
        purpose, tags = self._tags[prefix]
        attempt_id = tags.read(tag)
        return None if attempt_id is None else Named(purpose, attempt_id)
