"""The small parts of signatures that several vendors have in common."""

import hmac
from base64 import b64decode
from binascii import Error as NotBase64
from datetime import datetime, timedelta

from followup_replies.vendor import Hook

_LATEST = 253_402_300_799
"""The last second of the year 9999."""
_DIGITS = 14


def fresh(stamp: str, *, at: datetime, tolerance: timedelta) -> bool:
    """Whether a time in seconds since 1970 is near `at`, before or behind it."""
    seconds = seconds_of(stamp)
    return seconds is not None and abs(at.timestamp() - seconds) <= tolerance.total_seconds()


def seconds_of(stamp: str) -> int | None:
    """Whole seconds since 1970 in a text of digits; None for anything else."""
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) < _DIGITS):
        return None
    seconds = int(stamp)
    return seconds if seconds <= _LATEST else None


def decoded(text: str) -> bytes | None:
    """What stands in a text in strict base64; None when it is none."""
    try:
        return b64decode(text.encode("ascii"), validate=True)
    except (NotBase64, UnicodeError, ValueError):
        return None


def same(given: str, expected: str) -> bool:
    """Whether two texts are the same; in constant time."""
    return hmac.compare_digest(
        given.encode("utf-8", "surrogatepass"), expected.encode("utf-8", "surrogatepass")
    )


def knows_password(hook: Hook) -> bool:
    """Whether a webhook gives the account's `webhook_user` and `webhook_password` (RFC 7617).

    An account without a password lets nobody in by one.
    """
    scheme, _, credentials = hook.headers.get("authorization", "").partition(" ")
    given = decoded(credentials.strip())
    user, password = hook.secrets.get("webhook_user", ""), hook.secrets.get("webhook_password")
    if scheme.lower() != "basic" or given is None or not password:
        return False
    return hmac.compare_digest(given, f"{user}:{password}".encode())
