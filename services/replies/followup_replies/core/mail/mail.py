"""Reads raw e-mail: what somebody wrote, what became of a letter, or that it is neither."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from followup_replies.core.mail.notices import Fate, fates, feedback, is_report, original_id
from followup_replies.core.mail.parts import address_in, header, headers, parsed, text_of

_IDS: Final = re.compile(r"<[^<>\s]{3,250}>")
_ATTEMPT: Final = re.compile(
    r"^<?([0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})@"
)
_MOST_IDS: Final = 30
_LONGEST_SUBJECT: Final = 1_000


@dataclass(frozen=True, slots=True)
class Letter:
    """What somebody wrote, or a machine in their name.

    `sender` is the bare address of From. `text` is as written, quotes and signature
    included. `headers` by name in lower case. `answers`: Message-IDs of In-Reply-To and
    References, the nearest first.
    """

    message_id: str
    sender: str
    subject: str | None
    text: str
    headers: Mapping[str, str]
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A delivery status notification (RFC 3464) about `original`, a Message-ID or empty."""

    message_id: str
    original: str
    fates: tuple[Fate, ...]


@dataclass(frozen=True, slots=True)
class Complained:
    """An abuse report (RFC 5965); `recipient` is who complained, empty when redacted."""

    message_id: str
    original: str
    recipient: str
    kind: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Too large, too deep, or no message."""


Mail = Letter | Undelivered | Complained | Unreadable


def read_mail(raw: bytes) -> Mail:
    """Say what `raw` is; never raises for any bytes, and never takes long."""
    message = parsed(raw)
    if message is None:
        return Unreadable()
    own_id = header(message, "message-id")
    if is_report(message, "feedback-report"):
        told = feedback(message)
        if told is not None:
            return Complained(own_id, original_id(message), told.recipient, told.kind)
    if is_report(message, "delivery-status"):
        found = fates(message)
        if found:
            return Undelivered(own_id, original_id(message), found)
    found_headers = headers(message)
    return Letter(
        message_id=own_id,
        sender=address_in(found_headers.get("from", "")),
        subject=found_headers.get("subject", "")[:_LONGEST_SUBJECT] or None,
        text=text_of(message),
        headers=found_headers,
        answers=answered(found_headers),
    )


def answered(found: Mapping[str, str]) -> tuple[str, ...]:
    """The Message-IDs a letter answers, by its headers (names in lower case), nearest first."""
    nearest = _IDS.findall(found.get("in-reply-to", ""))
    older = reversed(_IDS.findall(found.get("references", "")))
    return tuple(dict.fromkeys([*nearest, *older]))[:_MOST_IDS]


def thread_of(found: Mapping[str, str]) -> tuple[str, ...]:
    """The Message-IDs an answer to a letter names, oldest first and its own last.

    RFC 5322 section 3.6.4. Header names in any case; of too many the last are kept.
    """
    lower = {name.lower(): value for name, value in found.items()}
    own = _IDS.findall(lower.get("message-id", ""))[:1]
    older = [name for name in reversed(answered(lower)) if name not in own]
    return tuple([*older, *own][-_MOST_IDS:])


def attempt_named(message_id: str) -> UUID | None:
    """The attempt whose letter has this Message-ID, if it is one of ours."""
    found = _ATTEMPT.match(message_id.lower())
    return None if found is None else UUID(found.group(1))
