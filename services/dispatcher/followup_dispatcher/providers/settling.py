"""From when on, and how long, absence in vendors' own records means anything.

A record that lags shows nothing of a message that went out a moment ago. Only Mailgun
publishes a figure; the others are ours, far beyond what their records are seen to lag, and
an account's setting `settling_seconds` changes them. As of November 2026.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from followup_dispatcher.providers import settings as read

SETTLING: Mapping[str, timedelta] = {
    # Message and call lists; no figure published.
    "twilio": timedelta(minutes=10),
    # Reports API; records are written after delivery reports came in. No figure published.
    "vonage": timedelta(hours=1),
    # Detail records; no figure published.
    "telnyx": timedelta(minutes=30),
    # Email Activity; no figure published, and 6 questions a minute.
    "sendgrid": timedelta(hours=1),
    # Outbound message search; no figure published.
    "postmark": timedelta(minutes=15),
    # Events API: pages younger than half an hour are not to be trusted
    # (documentation.mailgun.com/docs/mailgun/user-manual/events/poll-events).
    "mailgun": timedelta(minutes=30),
    # The receiver's own answer to a question about an attempt.
    "webhook": timedelta(minutes=5),
}

KEPT: Mapping[str, timedelta] = {
    # The least of what plans keep, or what we ask for; a record that has lapsed since
    # looks like one that never was, and the touch would go out twice.
    # An account may keep its messages for 7 to 400 days
    # (twilio.com/blog/new-data-controls-twilio-messaging).
    "twilio": timedelta(days=7),
    "vonage": timedelta(days=30),
    # The question is for the last two days.
    "telnyx": timedelta(days=1),
    # Email Activity shows three days without its longer history.
    "sendgrid": timedelta(days=3),
    # Retention may be set as low as seven days.
    "postmark": timedelta(days=7),
    # Events of the smallest plan.
    "mailgun": timedelta(days=1),
    # Asked of a receiver of one's own.
    "webhook": timedelta(days=7),
}

_LONGEST = 86_400


def settling_of(vendor: str, settings: Mapping[str, Any]) -> timedelta:
    """A vendor's settling time, or what the account says instead (0 to 86,400 s)."""
    default = SETTLING[vendor].total_seconds()
    seconds = read.number(settings, "settling_seconds", default=default, least=0, most=_LONGEST)
    return timedelta(seconds=seconds)
