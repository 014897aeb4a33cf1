import pytest
from pydantic import ValidationError

from followup_directory import TenantSettings


def test_a_value_that_does_not_fit_falls_back_to_its_default() -> None:
    """The others stay as they are stored."""
    read = TenantSettings.read({"audience": "everybody", "agent_name": "Kim", "sandbox": False})
    assert (read.audience, read.agent_name, read.sandbox) == ("b2c", "Kim", False)


def test_a_tenant_whose_own_rules_cannot_be_read_sends_nothing() -> None:
    """Not knowing means not sending: not even to those who test."""
    stored = {
        "rules": {"caps": [{"channels": ["sms"], "count": "few", "hours": 24}]},
        "sandbox": False,
        "test_recipients": ["+12125550142"],
    }
    read = TenantSettings.read(stored)
    assert (read.sandbox, read.test_recipients) == (True, ())


def test_a_zone_nobody_knows_is_refused() -> None:
    """When it is set; where one is stored already, its tenant's days are those of UTC."""
    with pytest.raises(ValidationError, match="IANA zone"):
        TenantSettings(zone="Mars/Olympus_Mons")
    assert TenantSettings(zone="Europe/Berlin").zone == "Europe/Berlin"
    assert TenantSettings(zone="").zone == ""
    assert TenantSettings.read({"zone": "Mars/Olympus_Mons", "agent_name": "Kim"}).zone == ""
