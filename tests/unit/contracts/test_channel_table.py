"""The table of channels is whole, and everybody's names agree with it."""

from typing import get_args

from followup_contracts.channels import ADDRESS_KINDS, CHANNELS, TRAITS, Channel, channels_of
from followup_policy.consent import consent_table


def test_each_channel_has_its_row():
    """No channel without traits, and none beyond the names."""
    assert set(TRAITS) == set(CHANNELS) == set(get_args(Channel))


def test_each_kind_of_address_is_reached_by_something():
    """The kinds divide the channels among them."""
    reached = [channel for kind in ADDRESS_KINDS for channel in channels_of(kind)]
    assert sorted(reached) == sorted(CHANNELS)


def test_consent_opens_every_channel():
    """A yes counts for every channel there is; a channel it does not know is closed."""
    assert consent_table().granted == set(CHANNELS)


def test_each_channel_says_something():
    """Whatever a channel carries, it has a text."""
    assert all("text" in traits.requires for traits in TRAITS.values())
