"""What e-mail vendors tell of a letter of ours, in the words that all of them share."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from followup_replies.addresses import LONGEST
from followup_replies.core.bounces import Bounce
from followup_replies.planted import attempt_of, ids_of
from followup_replies.states import AboutAddress, Report, ReportKind, Said, TouchIds

LONGEST_REF = 255
_LONGEST_KEY = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event about one letter: which, whose, and what came.

    `planted` is what the vendor echoes of ours. `key` names the event: the same each time.
    """

    ref: str
    address: str
    key: str
    payload: Mapping[str, Any]
    planted: Mapping[str, Any]

    @property
    def ids(self) -> TouchIds | None:
        """Our ids, if all of them were planted."""
        return ids_of(self.planted)

    @property
    def attempt(self) -> UUID | None:
        """The attempt, if that was."""
        return attempt_of(self.planted.get("attempt"))

    def report(
        self,
        state: str,
        *,
        kind: ReportKind = "message",
        code: str | None = None,
        permanent: bool = False,
        said: Said | None = None,
    ) -> Report:
        """That the letter has come to a state, and what that says of the address."""
        known = bool(said and self.address and len(self.address) <= LONGEST)
        return Report(
            kind=kind,
            provider_ref=self.ref[:LONGEST_REF],
            state=state[:64],
            dedupe_key=short(self.key),
            payload=self.payload,
            ids=self.ids,
            attempt=self.attempt,
            code=None if code is None else code[:64],
            permanent=permanent,
            about=AboutAddress(self.address, said) if said and known else None,
        )

    def bounced(self, bounce: Bounce) -> Report:
        """That the letter came back."""
        return self.report(
            "undelivered",
            code=bounce.code,
            permanent=bounce.permanent,
            said="dead" if bounce.kind == "dead" else None,
        )

    def kept(self, name: str) -> Report:
        """That something happened which means nothing to us."""
        return self.report(name or "unknown", kind="other")


def key(*parts: object) -> str:
    """The name of an event, of the parts that make it the only one."""
    return ":".join(str(part) for part in parts)


def short(name: str) -> str:
    """A name of an event, or its digest where it is too long to be indexed."""
    if len(name) <= _LONGEST_KEY:
        return name
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


def unknown(payload: Any, name: str = "unknown") -> Report:
    """Something genuine that nobody understands: kept as it came, once."""
    value = payload if isinstance(payload, dict) else {"value": payload}
    digest = hashlib.sha256(repr(sorted(value.items(), key=str)).encode("utf-8", "replace"))
    return Event(
        ref="", address="", key=f"unknown:{digest.hexdigest()}", payload=value, planted={}
    ).kept(name)
