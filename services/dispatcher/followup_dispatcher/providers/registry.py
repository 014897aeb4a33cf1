"""Which adapters there are, by vendor and channel.

Others come in as entry points of the group `followup.providers`: the name is
`<vendor>.<channel>`, the object a `ProviderFactory`. They are loaded when the table is
made, not on import.
"""

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points

from followup_contracts.payload import CHANNELS, Channel
from followup_dispatcher.providers.mailgun import mailgun
from followup_dispatcher.providers.meta import instagram, whatsapp
from followup_dispatcher.providers.port import ProviderFactory
from followup_dispatcher.providers.postmark import postmark
from followup_dispatcher.providers.sandbox import SandboxSink, sandbox_factory
from followup_dispatcher.providers.sendgrid import sendgrid
from followup_dispatcher.providers.ses import ses
from followup_dispatcher.providers.smtp import smtp
from followup_dispatcher.providers.telnyx import telnyx_sms
from followup_dispatcher.providers.twilio_sms import twilio_sms
from followup_dispatcher.providers.twilio_voice import twilio_voice
from followup_dispatcher.providers.vonage import vonage_sms
from followup_dispatcher.providers.webhook import webhook_factory

GROUP = "followup.providers"

Factories = dict[tuple[str, Channel], ProviderFactory]

_VENDORS: Mapping[tuple[str, Channel], ProviderFactory] = {
    ("twilio", "sms"): twilio_sms,
    ("twilio", "voice"): twilio_voice,
    ("vonage", "sms"): vonage_sms,
    ("telnyx", "sms"): telnyx_sms,
    ("smtp", "email"): smtp,
    ("sendgrid", "email"): sendgrid,
    ("postmark", "email"): postmark,
    ("mailgun", "email"): mailgun,
    ("ses", "email"): ses,
    ("meta", "whatsapp"): whatsapp,
    ("meta", "instagram"): instagram,
}


def factories(sandbox: SandboxSink) -> Factories:
    """Every adapter: the house's own, and the installed ones.

    Raises `ValueError` for an entry point whose name is not `<vendor>.<channel>`, or
    which would replace another.
    """
    table: Factories = {}
    for channel in CHANNELS:
        table["sandbox", channel] = sandbox_factory(channel, sandbox)
        table["webhook", channel] = webhook_factory(channel)
    return with_installed({**table, **_VENDORS}, tuple(entry_points(group=GROUP)))


def with_installed(table: Factories, installed: tuple[EntryPoint, ...]) -> Factories:
    """The table and what these entry points add to it."""
    whole = dict(table)
    for entry in installed:
        vendor, _, channel = entry.name.rpartition(".")
        if not vendor or channel not in CHANNELS:
            raise ValueError(f"provider {entry.name!r}: the name must be <vendor>.<channel>")
        key = (vendor, channel)
        if key in whole:
            raise ValueError(f"provider {entry.name!r} is there already")
        whole[key] = entry.load()
    return whole
