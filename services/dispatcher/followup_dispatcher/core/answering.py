"""Whether a person may be written to freely, on a channel that has a window for answers.

Meta lets a business write freely for a day after the person's own message; later only a
form it has approved goes out, and only to people who agreed to it.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from followup_contracts.channels import TRAITS, Channel
from followup_dispatcher.core.verdict import Skip
from followup_dispatcher.providers.port import Content
from followup_policy.consent import ConsentState

MARGIN = timedelta(minutes=5)
"""The vendor's clock decides, and by the time a message reaches it."""


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
