"""Raw e-mail as arrivals: a message, or reports about letters of ours."""

import hashlib
from collections.abc import Mapping
from typing import Final

from followup_replies.core.mail import (
    Complained,
    Letter,
    Undelivered,
    Unreadable,
    attempt_named,
    read_mail,
)
from followup_replies.core.mail.notices import Fate
from followup_replies.errors import Unfit
from followup_replies.inbound import Inbound
from followup_replies.states import AboutAddress, Report
from followup_replies.vendor import Arrival

_LONGEST_ID: Final = 200
_STATES: Final[Mapping[str, str]] = {
    "failed": "failed",
    "delayed": "deferred",
    "delivered": "delivered",
    "relayed": "delivered",
    "expanded": "delivered",
}


def arrivals_of(raw: bytes, *, recipient: str, return_path: str | None = None) -> list[Arrival]:
    """Say what `raw` brings; nothing for what can't be read or names nobody.

    `recipient` and `return_path` are those of the envelope; an empty return path is a
    machine's (RFC 3834). The same bytes give the same arrivals.
    """
    mail = read_mail(raw)
    digest = hashlib.sha256(raw).hexdigest()
    match mail:
        case Letter():
            return [_letter(mail, digest, recipient=recipient, return_path=return_path)]
        case Undelivered():
            return [_undelivered(mail, fate, digest, recipient) for fate in mail.fates]
        case Complained():
            return [_complained(mail, digest, recipient)]
        case Unreadable():
            return []


def forwarded(raw: bytes, *, recipient: str, return_path: str | None) -> list[Arrival]:
    """The same of a letter that a vendor hands on; raises `Unfit` for what can't be read."""
    arrivals = arrivals_of(raw, recipient=recipient, return_path=return_path)
    if not arrivals:
        # Taken without a word it would be lost: nobody else keeps it.
        raise Unfit("")
    return arrivals


def _letter(mail: Letter, digest: str, *, recipient: str, return_path: str | None) -> Inbound:
    headers = dict(mail.headers)
    if return_path is not None:
        headers["return-path"] = f"<{return_path.strip('<>')}>"
    return Inbound(
        channel="email",
        vendor_id=mail.message_id[:_LONGEST_ID] or digest,
        sender=mail.sender or return_path or "",
        recipient=recipient,
        body=mail.text,
        subject=mail.subject,
        headers=headers,
        payload={"headers": headers},
    )


def _undelivered(mail: Undelivered, fate: Fate, digest: str, recipient: str) -> Report:
    return Report(
        kind="message",
        provider_ref=mail.original[:_LONGEST_ID],
        state=_STATES[fate.action],
        dedupe_key=f"{digest}:{hashlib.sha256(fate.recipient.encode()).hexdigest()[:16]}",
        payload={"action": fate.action, "status": fate.status, "original": mail.original},
        attempt=attempt_named(mail.original),
        code=fate.status or None,
        permanent=fate.is_dead,
        about=AboutAddress(fate.recipient, "dead") if fate.is_dead else None,
        returned_to=recipient,
    )


def _complained(mail: Complained, digest: str, recipient: str) -> Report:
    return Report(
        kind="message",
        provider_ref=mail.original[:_LONGEST_ID],
        state="complained",
        dedupe_key=digest,
        payload={"feedback": mail.kind, "original": mail.original},
        attempt=attempt_named(mail.original),
        code=mail.kind or None,
        about=AboutAddress(mail.recipient, "complained") if mail.recipient else None,
        returned_to=recipient,
    )
