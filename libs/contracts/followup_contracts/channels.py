"""The channels: what is particular to each, in one table that everybody reads.

A new channel is a name in `Channel` and a row here. How its content is rendered, which law
and which preferences bind it, what kind of address it uses and whether a vendor queues it
follow from its row; its consent stands in `followup_policy/data/consent.yaml`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

Channel = Literal["sms", "email", "voice", "whatsapp", "instagram"]
CHANNELS: tuple[Channel, ...] = ("sms", "email", "voice", "whatsapp", "instagram")

AddressKind = Literal["phone", "email", "instagram"]
"""A number in E.164, an e-mail address, or the id of a person towards one Instagram account."""
ADDRESS_KINDS: tuple[AddressKind, ...] = ("phone", "email", "instagram")

Hours = Literal["text", "call", "none"]
"""How laws about hours read a channel: as a text, as a call, or not at all."""

Part = Literal["text", "subject", "html", "voicemail", "template"]
"""A piece of a touch's content. `template` names a form that the vendor has approved."""

WINDOW = timedelta(hours=24)
"""How long after a person's message a business may answer freely on Meta's channels
(developers.facebook.com/docs/whatsapp/pricing, "customer service windows";
developers.facebook.com/docs/messenger-platform/policy/policy-overview, "standard
messaging"). As of November 2026."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What is particular to a channel.

    `noun` is how people are told of one of its messages. `requires` and `allows` are the
    parts of its content. `queued`: a vendor may hold it back, so it needs a time limit.
    `segmented`: charged by the segments of a text. `window`: how long after the person's
    own message it may be written freely; None: always.
    """

    noun: str
    address: AddressKind
    hours: Hours
    requires: tuple[Part, ...] = ("text",)
    allows: tuple[Part, ...] = ()
    queued: bool = False
    segmented: bool = False
    window: timedelta | None = None

    @property
    def parts(self) -> tuple[Part, ...]:
        """Every part that its content may have."""
        return self.requires + self.allows


TRAITS: Mapping[Channel, Traits] = {
    "sms": Traits("an SMS", "phone", "text", queued=True, segmented=True),
    "email": Traits("an e-mail", "email", "none", requires=("subject", "text"), allows=("html",)),
    "voice": Traits("a call", "phone", "call", allows=("voicemail",)),
    "whatsapp": Traits("a WhatsApp message", "phone", "text", allows=("template",), window=WINDOW),
    "instagram": Traits("an Instagram message", "instagram", "text", window=WINDOW),
}


def channels_of(kind: AddressKind) -> tuple[Channel, ...]:
    """The channels that reach an address of this kind."""
    return tuple(channel for channel in CHANNELS if TRAITS[channel].address == kind)
