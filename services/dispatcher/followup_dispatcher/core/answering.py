"""Who has just written: may be answered, and on some channels written to freely.

Meta lets a business write freely for a day after the person's own message; later only a
form it has approved goes out, and only to people who agreed to it.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from followup_contracts.channels import TRAITS, Channel
from followup_dispatcher.core.verdict import Skip
from followup_dispatcher.providers.port import Content
from followup_people import ContactPoint
from followup_policy.consent import ConsentState

MARGIN = timedelta(minutes=5)
"""The vendor's clock decides, and by the time a message reaches it."""

ANSWERED_WITHIN = timedelta(days=3)
"""How long after a person's own message what we write answers it; later it is a contact like
any other. A choice of ours: it spans a weekend."""


def last_heard(points: Iterable[ContactPoint], *, now: datetime) -> datetime | None:
    """When somebody last wrote to us, on any channel, if what we write now answers that."""
    heard = max((at for point in points for at in point.heard.values()), default=None)
    return heard if heard is not None and now < heard + ANSWERED_WITHIN else None


def within_window(
    content: Content,
    channel: Channel,
    *,
    heard: datetime | None,
    consent: ConsentState,
    now: datetime,
) -> Content | Skip:
    """What goes out: the free text within the window, else the approved form, else nothing.

    `heard` is when the person last wrote on this channel, None: never.
    """
    window = TRAITS[channel].window
    if window is None:
        return content
    if heard is not None and now < heard + window - MARGIN:
        return replace(content, template=None)
    if content.template is None:
        return Skip("window", f"{_hours(window)} after the person's last message nothing is free")
    if consent != "yes":
        return Skip("window", "an approved form goes to people who agreed, and to nobody else")
    return content


def _hours(window: timedelta) -> str:
    return f"{window / timedelta(hours=1):.0f} hours"
