"""Signed webhooks are what the specification's own library takes for genuine."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from standardwebhooks import Webhook as Referee

from followup_dispatcher.providers.port import Call, Content
from followup_dispatcher.providers.webhook import Webhook, signing_key

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


def test_the_referee_takes_it():
    """Id, time and body are signed as Standard Webhooks says."""
    now = datetime.now(UTC)
    sender = Webhook("sms", "/send", signing_key(SECRET), clock=lambda: now)
    request = sender.request(
        Call(
            attempt_id=UUID(int=1),
            touch_id=UUID(int=2),
            tenant_id=UUID(int=3),
            channel="sms",
            to="+14155550123",
            sender="+14155550100",
            content=Content("Grüß Gott, Dana ✓"),
            callback_url=None,
            valid_for=timedelta(hours=1),
            time_left=lambda: 1.0,
        )
    )
    told = Referee(SECRET).verify(request.body.octets, dict(request.headers))
    assert told["text"] == "Grüß Gott, Dana ✓"
    assert request.headers["webhook-id"] == told["attempt_id"] == str(UUID(int=1))


@pytest.mark.parametrize("secret", ["whsec_", "whsec_QUJD", "whsec_not base64", "plain"])
def test_a_secret_that_is_none_is_named(secret):
    """Too short, too long or no Base64: the setting is named, and the secret is not told."""
    with pytest.raises(ValueError, match=r"^signing_secret: ") as complaint:
        signing_key(secret)
    assert secret.removeprefix("whsec_") not in str(complaint.value) or secret == "whsec_"
