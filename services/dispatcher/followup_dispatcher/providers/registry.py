"""Which adapters there are, by vendor and channel.

Others come in as entry points of the group `followup.providers`: the name is
`<vendor>.<channel>`, the object a `ProviderFactory`. They are loaded when the table is
made, not on import.
"""

from importlib.metadata import EntryPoint, entry_points

from followup_contracts.payload import CHANNELS, Channel
from followup_dispatcher.providers.port import ProviderFactory
from followup_dispatcher.providers.sandbox import SandboxSink, sandbox_factory
from followup_dispatcher.providers.smtp import smtp
from followup_dispatcher.providers.twilio_sms import twilio_sms
from followup_dispatcher.providers.twilio_voice import twilio_voice

GROUP = "followup.providers"

Factories = dict[tuple[str, Channel], ProviderFactory]


def factories(sandbox: SandboxSink) -> Factories:
    """Every adapter: the house's own, and the installed ones.

    Raises `ValueError` for an entry point whose name is not `<vendor>.<channel>`, or
    which would replace another.
    """
    table: Factories = {}
    for channel in CHANNELS:
        table["sandbox", channel] = sandbox_factory(channel, sandbox)
    table["twilio", "sms"] = twilio_sms
    table["twilio", "voice"] = twilio_voice
    table["smtp", "email"] = smtp
    return with_installed(table, tuple(entry_points(group=GROUP)))


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
