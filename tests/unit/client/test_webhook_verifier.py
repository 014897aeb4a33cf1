import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook as Referee

from followup_client import NotGenuine, WebhookVerifier

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
OTHER = "whsec_" + base64.b64encode(b"another secret of the right length").decode()
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BODY = '{"type": "lead.converted", "text": "Grüß Gott ✓"}'


def _headers(*, body: str = BODY, secret: str = SECRET, at: datetime = NOW) -> dict[str, str]:
    return {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": str(int(at.timestamp())),
        "Webhook-Signature": Referee(secret).sign("msg_1", at, body),
    }


@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_what_the_referee_signs_is_genuine(text):
    """Whatever is signed by the specification's own library is taken, with its id and time."""
    body = '{"text": ' + json.dumps(text) + "}"
    webhook = WebhookVerifier(SECRET).verify(body.encode(), _headers(body=body), now=NOW)
    assert webhook.id == "msg_1"
    assert webhook.sent_at == NOW
    assert webhook.body == {"text": text}


@given(place=st.integers(0, len(BODY.encode()) - 1), flip=st.integers(1, 255))
def test_a_changed_body_is_not_genuine(place, flip):
    """One octet changed anywhere is enough."""
    body = bytearray(BODY.encode())
    body[place] ^= flip
    with pytest.raises(NotGenuine, match="signature"):
        WebhookVerifier(SECRET).verify(bytes(body), _headers(), now=NOW)


@pytest.mark.parametrize("name", ["Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"])
@pytest.mark.parametrize("value", ["", "1772366401", "v1,", "v1,é", "v1a,AAAA", "-1", "9" * 400])
def test_a_changed_header_is_not_genuine(name, value):
    """Id and time are signed, too, and nonsense in a header is no error of ours."""
    with pytest.raises(NotGenuine):
        WebhookVerifier(SECRET).verify(BODY.encode(), {**_headers(), name: value}, now=NOW)


@given(seconds=st.integers(-100_000, 100_000))
def test_an_old_webhook_is_not_genuine(seconds):
    """Within five minutes of now, both ways, and not further."""
    verifier, now = WebhookVerifier(SECRET), NOW + timedelta(seconds=seconds)
    if abs(seconds) <= 300:
        assert verifier.verify(BODY.encode(), _headers(), now=now).id == "msg_1"
    else:
        with pytest.raises(NotGenuine, match="long ago"):
            verifier.verify(BODY.encode(), _headers(), now=now)


def test_a_secret_can_be_changed():
    """The receiver may know both secrets, and the sender may sign with both."""
    old, new = _headers(), _headers(secret=OTHER)
    assert WebhookVerifier(OTHER, SECRET).verify(BODY.encode(), old, now=NOW)
    both = {**old, "Webhook-Signature": f"{new['Webhook-Signature']} {old['Webhook-Signature']}"}
    assert WebhookVerifier(SECRET).verify(BODY.encode(), both, now=NOW)
    with pytest.raises(NotGenuine):
        WebhookVerifier(SECRET).verify(BODY.encode(), new, now=NOW)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_QUJD", "whsec_no base64", "plain"])
def test_a_secret_that_is_none_is_refused_and_not_told(secret):
    """The complaint does not repeat it."""
    with pytest.raises(ValueError, match="webhook's secret") as complaint:
        WebhookVerifier(secret)
    told = secret.removeprefix("whsec_")
    assert not told or told not in str(complaint.value)
