"""Our checks against the vendors' own, for whatever is signed and whatever is not."""

import base64
import hashlib
import hmac
import time
from datetime import UTC, datetime, timedelta

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st
from mailgun.security import SecurityGuard
from sendgrid.helpers.eventwebhook import EventWebhook
from signed_hooks import (
    CERTIFICATE,
    TOPIC,
    Topic,
    mailgun_fields,
    sendgrid,
    standard,
    telnyx,
    vonage_token,
)
from standardwebhooks import Webhook, WebhookVerificationError
from telnyx.lib.webhook_verification import WebhookVerificationError as TelnyxRefused
from telnyx.lib.webhook_verification import verify_webhook_signature
from vonage_http_client import Auth
from vonage_jwt import verify_signature

from followup_replies.mailgun.signature import Signed
from followup_replies.meta import signature as meta_signature
from followup_replies.sendgrid.signature import genuine as sendgrid_genuine
from followup_replies.ses.notification import Notification
from followup_replies.telnyx.signature import genuine as telnyx_genuine
from followup_replies.vonage.signature import params_genuine, signed, token_genuine
from followup_replies.webhook.signature import genuine as standard_genuine

bodies = st.text(max_size=60).map(lambda text: orjson.dumps({"a": text}))
drift = st.sampled_from([-3600, -290, 0, 290, 3600])


def instant() -> tuple[float, datetime]:
    at = time.time()
    return at, datetime.fromtimestamp(at, UTC)


def changed(body: bytes, place: int) -> bytes:
    """The same with one byte altered."""
    index = place % len(body)
    return body[:index] + bytes([body[index] ^ 1]) + body[index + 1 :]


def telnyx_says(body: bytes, headers: dict[str, str], key: str) -> bool:
    try:
        verify_webhook_signature(body, headers, key)
    except (TelnyxRefused, UnicodeDecodeError):
        return False
    return True


TELNYX = telnyx()


@given(body=bodies, place=st.integers(0, 80), late=drift)
def test_telnyx_agrees(body, place, late):
    """Ed25519 over time and body: the vendor's verifier and ours say the same."""
    at, moment = instant()
    _, headers = TELNYX.sign(body, at + late)
    key = TELNYX.secrets["public_key"]

    def ours(sent: bytes) -> bool:
        return telnyx_genuine(
            headers["Telnyx-Signature-Ed25519"],
            timestamp=headers["Telnyx-Timestamp"],
            body=sent,
            public_key=key,
            at=moment,
        )

    assert ours(body) == telnyx_says(body, headers, key) == (abs(late) < 300)
    assert not ours(changed(body, place))
    assert not telnyx_says(changed(body, place), headers, key)


SENDGRID = sendgrid()


@given(body=bodies, place=st.integers(0, 80))
def test_sendgrid_agrees(body, place):
    """ECDSA over time and raw bytes: the vendor's verifier and ours say the same."""
    _, headers = SENDGRID.sign(body, time.time())
    key = SENDGRID.secrets["webhook_public_key"]
    signature = headers["X-Twilio-Email-Event-Webhook-Signature"]
    stamp = headers["X-Twilio-Email-Event-Webhook-Timestamp"]
    theirs = EventWebhook(key)
    assert theirs.verify_signature(body.decode(), signature, stamp)
    assert sendgrid_genuine(signature, timestamp=stamp, body=body, public_key=key)
    for sent in (changed(body, place), body + b"\r\n"):
        assert not sendgrid_genuine(signature, timestamp=stamp, body=sent, public_key=key)
    assert not sendgrid_genuine(signature, timestamp=f"{stamp}1", body=body, public_key=key)


def test_sendgrids_published_example():
    """The vendor's own vector holds, and no longer without its last CR LF."""
    key = (
        "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62"
        "gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g=="
    )
    signature = (
        "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtE"
        "ZtM="
    )
    payload = (
        orjson.dumps(
            [
                {
                    "email": "hello@world.com",
                    "event": "dropped",
                    "reason": "Bounced Address",
                    "sg_event_id": "ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",
                    "sg_message_id": "LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18"
                    "-5F5FC76C-9.0",
                    "smtp-id": "<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>",
                    "timestamp": 1600112492,
                }
            ]
        ).decode()
        + "\r\n"
    )
    stamp = "1600112502"
    assert EventWebhook(key).verify_signature(payload, signature, stamp)
    raw = payload.encode()
    assert sendgrid_genuine(signature, timestamp=stamp, body=raw, public_key=key)
    assert not sendgrid_genuine(signature, timestamp=stamp, body=raw[:-2], public_key=key)


@pytest.mark.parametrize("key", ["", "not base64", base64.b64encode(b"no key").decode()])
def test_a_key_that_is_none_signs_nothing(key):
    """A wrong setting lets nobody in and breaks nothing."""
    body = b"[]"
    assert not sendgrid_genuine("AAAA", timestamp="1", body=body, public_key=key)
    _, moment = instant()
    stamp = str(int(moment.timestamp()))
    assert not telnyx_genuine("AAAA", timestamp=stamp, body=body, public_key=key, at=moment)


def test_a_key_of_another_kind_signs_nothing():
    """SendGrid's key is on a curve; an RSA key is not taken for one."""
    spki = TOPIC_KEY.key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    key = base64.b64encode(spki).decode()
    assert not sendgrid_genuine("AAAA", timestamp="1", body=b"[]", public_key=key)


@given(late=st.sampled_from([-3600, -890, 0, 890, 3600]), key=st.sampled_from(["made-up", "other"]))
def test_mailgun_agrees(late, key):
    """HMAC over time and token: the vendor's verifier and ours say the same."""
    at, moment = instant()
    fields = mailgun_fields(at + late, key)
    ours = Signed(**fields).genuine(signing_key="made-up", at=moment)
    assert ours == SecurityGuard.verify_webhook(signing_key="made-up", **fields)
    assert ours == (key == "made-up" and abs(late) < 900)


@given(
    params=st.dictionaries(
        st.text("abcdefgh-_", min_size=1, max_size=8).filter(lambda name: name != "sig"),
        st.text(max_size=20),
        max_size=6,
    ),
    method=st.sampled_from(["md5", "sha1", "sha256", "sha512"]),
)
def test_vonage_agrees_on_parameters(params, method):
    """Sorted, cleaned parameters under each method: the vendor's own code signs the same."""
    at, moment = instant()
    params |= {"timestamp": str(int(at))}
    auth = Auth(api_key="k", signature_secret="made-up", signature_method=method)
    given_sig = auth.sign_params(dict(params))
    sent = params | {"sig": given_sig}
    assert params_genuine(sent, secret="made-up", method=method, at=moment)
    assert auth.check_signature(dict(sent))
    assert not params_genuine(sent | {"x": "1"}, secret="made-up", method=method, at=moment)
    later = moment + timedelta(minutes=6)
    assert not params_genuine(sent, secret="made-up", method=method, at=later)


def test_vonages_plain_hash():
    """The oldest method puts the secret behind the parameters, and hashes (documented recipe)."""
    params = {"b": "x&y=z", "a": "1", "sig": "?"}
    expected = hashlib.md5(b"&a=1&b=x_y_zmade-up").hexdigest()  # noqa: S324 - the vendor's
    assert signed(params, secret="made-up", method="md5hash") == expected
    assert signed(params, secret="made-up", method="nothing") is None


TOKEN = vonage_token()


@given(body=bodies, place=st.integers(0, 80), late=drift)
def test_vonage_agrees_on_tokens(body, place, late):
    """What the vendor's code verifies we take, if it is of now and of this body."""
    at, moment = instant()
    secret = TOKEN.secrets["signature_secret"]
    _, headers = TOKEN.sign(body, at + min(late, 0))
    token = headers["Authorization"].removeprefix("Bearer ")
    assert verify_signature(token, secret)
    assert token_genuine(token, body=body, secret=secret, at=moment) == (late > -300)
    assert not token_genuine(token, body=changed(body, place), secret=secret, at=moment)
    assert not token_genuine(token, body=body, secret="other", at=moment)
    assert not verify_signature(token, "other-secret-of-a-good-length-for-sha256")


@pytest.mark.parametrize("algorithm", ["none", "HS384"])
def test_a_token_chooses_no_algorithm(algorithm):
    """Only the one algorithm counts, whatever a token says of itself."""
    at, moment = instant()
    secret = TOKEN.secrets["signature_secret"]
    claims = {"iat": int(at), "payload_hash": hashlib.sha256(b"{}").hexdigest()}
    token = jwt.encode(claims, secret if algorithm != "none" else None, algorithm=algorithm)
    assert not token_genuine(token, body=b"{}", secret=secret, at=moment)


@given(token=st.text(max_size=80))
def test_no_text_is_a_token(token):
    """Whatever stands in the header is refused, never more."""
    _, moment = instant()
    assert not token_genuine(token, body=b"{}", secret="s", at=moment)


STANDARD = standard()


@given(body=bodies, place=st.integers(0, 80), late=drift)
def test_standard_webhooks_agree(body, place, late):
    """Standard Webhooks' own library and ours say the same."""
    at, moment = instant()
    secret = STANDARD.secrets["webhook_secret"]
    _, headers = STANDARD.sign(body, at + late)
    lower = {name.lower(): value for name, value in headers.items()}

    def theirs(sent: bytes) -> bool:
        try:
            Webhook(secret).verify(sent, lower, json_parse=False)
        except (WebhookVerificationError, UnicodeDecodeError):
            return False
        return True

    ours = standard_genuine(lower, body=body, secret=secret, at=moment)
    assert ours == theirs(body) == (abs(late) < 300)
    other = changed(body, place)
    assert not standard_genuine(lower, body=other, secret=secret, at=moment)
    several = lower | {"webhook-signature": "v1a,AAAA v1,AAAA " + lower["webhook-signature"]}
    assert standard_genuine(several, body=body, secret=secret, at=moment) == theirs(body)


def test_metas_signature_and_handshake():
    """The raw body under the app's secret; the challenge only for who knows the token."""
    body = b'{"a": "\\u00fc"}'
    good = f"sha256={hmac.new(b'made-up', body, 'sha256').hexdigest()}"
    assert meta_signature.genuine(good, body=body, app_secret="made-up")
    assert not meta_signature.genuine(good, body=b'{"a": "\xc3\xbc"}', app_secret="made-up")
    assert not meta_signature.genuine(good, body=body, app_secret="")
    query = {"hub.mode": "subscribe", "hub.verify_token": "t", "hub.challenge": "17"}
    assert meta_signature.challenge_of(query, verify_token="t") == "17"
    for wrong in ({"hub.verify_token": "x"}, {"hub.mode": "x"}, {"hub.challenge": ""}):
        assert meta_signature.challenge_of(query | wrong, verify_token="t") is None
    assert meta_signature.challenge_of({**query, "hub.verify_token": ""}, verify_token="") is None


TOPIC_KEY = Topic()


@given(
    message=st.text(max_size=60),
    version=st.sampled_from(["1", "2"]),
    subject=st.none() | st.text(max_size=20),
)
def test_a_notification_is_signed_field_by_field(message, version, subject):
    """Either version, with and without a subject; no field can be changed."""
    more = {"SignatureVersion": version} | ({} if subject is None else {"Subject": subject})
    envelope = TOPIC_KEY.envelope(message, time.time(), **more)
    key = TOPIC_KEY.key.public_key()
    assert Notification(envelope).signed_by(key)
    for name in ("Message", "MessageId", "Timestamp", "TopicArn", "Subject"):
        other = envelope | {name: f"{envelope.get(name, '')}x"}
        assert not Notification(other).signed_by(key)
    assert not Notification(envelope | {"SignatureVersion": "3"}).signed_by(key)


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-ab.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-ab.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-ab.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.example/SimpleNotificationService-ab.pem",
        "https://evil.example/sns.eu-west-1.amazonaws.com/SimpleNotificationService-ab.pem",
        "https://sns.eu-west-1.amazonaws.com:8443/SimpleNotificationService-ab.pem",
        "https://bucket.s3.eu-west-1.amazonaws.com/SimpleNotificationService-ab.pem",
        "https://sns.eu-west-1.amazonaws.com/../SimpleNotificationService-ab.pem",
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-ab.pem?x=1",
        "",
    ],
)
def test_certificates_come_from_amazons_host_for_that_region(url):
    """A certificate from anywhere else is not even fetched."""
    envelope = TOPIC_KEY.envelope("x", time.time(), SigningCertURL=url)
    assert Notification(envelope).certificate_url is None
    good = TOPIC_KEY.envelope("x", time.time())
    assert Notification(good).certificate_url == CERTIFICATE
    china = {"TopicArn": "arn:aws-cn:sns:cn-north-1:123456789012:t"}
    pem = "SimpleNotificationService-ab.pem"
    there = f"https://sns.cn-north-1.amazonaws.com.cn/{pem}"
    assert Notification(good | china | {"SigningCertURL": there}).certificate_url == there
    assert TOPIC.startswith("arn:aws:sns:eu-west-1:")
