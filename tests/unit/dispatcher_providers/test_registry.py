"""Which adapters there are, and how others come in."""

import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path
from uuid import UUID

import pytest

from followup_contracts.channels import CHANNELS
from followup_dispatcher.providers.port import Call
from followup_dispatcher.providers.registry import GROUP, factories, with_installed
from followup_dispatcher.providers.smtp import smtp
from followup_dispatcher.providers.twilio_sms import twilio_sms

ROOT = Path(__file__).resolve().parents[3]


class Nowhere:
    """A sandbox's record that is never used here."""

    async def record(self, call: Call) -> str:
        raise AssertionError(call)

    async def find(self, touch_id: UUID, attempt_id: UUID) -> str | None:
        raise AssertionError(touch_id, attempt_id)


def entry(name: str, value: str = "followup_dispatcher.providers.twilio_sms:twilio_sms"):
    return EntryPoint(name=name, value=value, group=GROUP)


def test_the_house_has_a_sandbox_for_every_channel_and_three_vendors():
    """Each under the vendor and channel of its accounts."""
    table = factories(Nowhere())
    assert set(table) >= {
        ("sandbox", "sms"),
        ("sandbox", "email"),
        ("sandbox", "voice"),
        ("twilio", "sms"),
        ("twilio", "voice"),
        ("smtp", "email"),
    }
    for (vendor, channel), factory in table.items():
        if vendor == "sandbox":
            provider = factory({}, {})
            assert (provider.name, provider.channel) == (vendor, channel)


def test_an_entry_point_brings_its_own():
    """By the name `<vendor>.<channel>`."""
    table = with_installed({("smtp", "email"): smtp}, (entry("acme.cloud.sms"),))
    assert table == {("smtp", "email"): smtp, ("acme.cloud", "sms"): twilio_sms}


@pytest.mark.parametrize("name", ["acme", "acme.fax", ".sms", "smtp.email"])
def test_an_entry_point_that_fits_nowhere_is_refused(name):
    """Also one that would take another's place."""
    with pytest.raises(ValueError, match=name):
        with_installed({("smtp", "email"): smtp}, (entry(name),))


def test_the_example_package_names_its_provider():
    """What its project file says leads to a factory that makes an adapter."""
    project = tomllib.loads((ROOT / "examples/provider-pigeon/pyproject.toml").read_text())
    named = project["project"]["entry-points"][GROUP]
    table = with_installed({}, tuple(entry(name, value) for name, value in named.items()))
    made = table["pigeon", "sms"]({"base_url": "https://pigeon.example"}, {"token": "t"})
    assert (made.name, made.channel) == ("pigeon", "sms")


def test_the_readers_of_settings_name_what_is_missing():
    """Every factory of the house complains about a setting, and makes nothing."""
    for (vendor, _), factory in factories(Nowhere()).items():
        if vendor != "sandbox":
            with pytest.raises(ValueError, match=r"^[a-z_]+: "):
                factory({}, {})


def test_every_channel_has_a_way_out_of_the_house():
    """A channel nobody can send on is none."""
    vendors = {channel for vendor, channel in factories(Nowhere()) if vendor != "sandbox"}
    assert vendors == set(CHANNELS)
