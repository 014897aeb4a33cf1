"""E-mail as it comes over the wire: a letter, a report about one, or nothing readable."""

from followup_replies.core.mail.mail import (
    Complained,
    Letter,
    Mail,
    Undelivered,
    Unreadable,
    answered,
    attempt_named,
    read_mail,
    thread_of,
)

__all__ = [
    "Complained",
    "Letter",
    "Mail",
    "Undelivered",
    "Unreadable",
    "answered",
    "attempt_named",
    "read_mail",
    "thread_of",
]
