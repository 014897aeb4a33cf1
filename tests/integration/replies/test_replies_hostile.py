"""What is not its sender's, or makes no sense: turned away, and nothing kept."""

import hashlib

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from .conftest import AUTH_TOKEN, PUBLIC, SHARED_KEY, sha256_signature

FORM = {"MessageSid": "SM1", "From": "+12125550123", "To": "+12025550100", "Body": "STOP"}


def signed(path: str, form: dict[str, str], token: str = AUTH_TOKEN) -> dict[str, str]:
    signature = RequestValidator(token).compute_signature(PUBLIC + path, form)
    return {"X-Twilio-Signature": signature}


async def nothing_kept(house) -> bool:
    for table in ("replies.messages", "replies.callbacks", "suppression.list", "messaging.outbox"):
        if await house.rows(f"SELECT 1 FROM {table}"):
            return False
    return await house.held() == []


@pytest.mark.parametrize("headers", [{}, {"X-Twilio-Signature": ""}, {"X-Twilio-Signature": "é"}])
async def test_without_a_good_signature_nothing_is_read(house, headers):
    """No signature, an empty or a strange one: 403."""
    headers = {name: value.encode() for name, value in headers.items()}
    answer = await house.raw(house.path("inbound"), FORM, headers)
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert await nothing_kept(house)


@pytest.mark.parametrize("kind", ["inbound", "status", "answer", "gather"])
async def test_every_hook_asks_for_the_signature(house, kind):
    """Each route of the vendor's is closed to others.

    laudspeaker, processTwilioData, novu, webhook.usecase.ts, and parcelvoy's text providers
    looked at no signature;
    mautic's callback compared the account's id, which is no secret.
    """
    answer = await house.raw(house.path(kind), FORM, signed(house.path(kind), FORM, "wrong"))
    assert answer.status_code == 403


async def test_a_signature_is_for_one_address_and_one_form(house):
    """Another word, one more field, another account or query: none is signed by it."""
    path = house.path("inbound")
    headers = signed(path, FORM)
    other = house.path("inbound", channel="voice")
    tries = [
        (path, FORM | {"Body": "START"}),
        (path, FORM | {"OptOutType": "START"}),
        (path + "?touch=1", FORM),
        (other, FORM),
    ]
    for where, form in tries:
        assert (await house.raw(where, form, headers)).status_code == 403
    assert await nothing_kept(house)
    assert (await house.raw(path, FORM, headers)).status_code == 200


@pytest.mark.parametrize("base", ["https://hooks.example.com:443/f", "https://hooks.example.com/f"])
async def test_the_public_address_counts_with_and_without_its_port(house, base):
    """Behind a proxy we are asked elsewhere: what the vendor was given is what it signs."""
    answer = await house.twilio("inbound", FORM, public=base)
    assert answer.status_code == 200


async def test_a_number_of_a_pool_is_signed_like_any_other(house):
    """chatwoot#13619: forged texts are refused, and numbers of a Messaging Service are not."""
    pooled = FORM | {"To": "+12025550177", "MessagingServiceSid": "MG" + "0" * 32}
    forged = signed(house.path("inbound"), pooled, "not the account's")
    assert (await house.raw(house.path("inbound"), pooled, forged)).status_code == 403
    assert await nothing_kept(house)
    assert (await house.twilio("inbound", pooled)).status_code == 200
    assert await house.listed("phone", "+12125550123") == {"all"}


@pytest.mark.parametrize("public_url", [None])
async def test_without_a_public_address_the_one_asked_counts(house):
    """Nothing configured: the address as it came."""
    assert (await house.twilio("inbound", FORM, public="http://replies:8004")).status_code == 200


async def test_the_newer_mode_has_a_key_of_its_own(house):
    """SHA-256 under the shared key that the header names; neither key stands for the other."""
    path = house.path("inbound")
    mode = {"X-Twilio-Webhooks-Signature-Settings": "key=WK1,algorithm=HMAC_SHA256"}
    good = {"X-Twilio-Signature": sha256_signature(PUBLIC + path, FORM, SHARED_KEY)}
    by_token = {"X-Twilio-Signature": sha256_signature(PUBLIC + path, FORM, AUTH_TOKEN)}
    other_key = {"X-Twilio-Webhooks-Signature-Settings": "key=WK2,algorithm=HMAC_SHA256"}
    unknown = {"X-Twilio-Webhooks-Signature-Settings": "key=WK1,algorithm=NONE"}
    for headers in (good, by_token | mode, good | other_key, good | unknown):
        assert (await house.raw(path, FORM, headers)).status_code == 403
    assert (await house.raw(path, FORM, good | mode)).status_code == 200


@pytest.mark.parametrize("account", ["018f0000-0000-7000-8000-000000000000", "nonsense"])
async def test_an_account_that_is_not_there(house, account):
    """Nobody's account: 4xx, without a word on why."""
    answer = await house.raw(f"/hooks/twilio/{account}/inbound", FORM, {})
    assert answer.status_code in {404, 422}


async def test_an_account_of_another_provider_is_not_there(house):
    """A sandbox account has no vendor's hooks, nor the other way round."""
    sandbox = house.accounts["sandbox", "sms"].id
    vendor = house.accounts["twilio", "sms"].id
    assert (await house.raw(f"/hooks/twilio/{sandbox}/inbound", FORM, {})).status_code == 404
    assert (await house.client.post(f"/hooks/sandbox/{vendor}/inbound")).status_code == 404


async def test_a_body_too_large(house):
    """More than 64 KB is refused before anything else."""
    form = FORM | {"Body": "x" * 70_000}
    assert (await house.twilio("inbound", form)).status_code == 413


async def test_what_is_no_form(house):
    """Not UTF-8, too many fields, another type: nothing that is signed, so never more than 403."""
    form = "application/x-www-form-urlencoded"
    tries = [
        (b"Body=%ff%fe", form),
        (b"\xff\xfe=1", form),
        (b"&".join(b"a%d=1" % n for n in range(500)), form),
        (b"{}", "application/json"),
        (b'{"a": "\\u0000"', "application/json"),
    ]
    for content, kind in tries:
        answer = await house.client.post(
            house.path("inbound"), content=content, headers={"Content-Type": kind}
        )
        assert answer.status_code == 403


async def test_a_body_that_is_no_form_is_signed_by_its_digest(house):
    """JSON of the vendor's: the address holds the body's SHA-256, and the address is signed."""
    body = orjson.dumps(FORM | {"Body": "hello", "Media": []})
    path = f"{house.path('inbound')}?bodySHA256={hashlib.sha256(body).hexdigest()}"
    headers = signed(path, {}) | {"Content-Type": "application/json"}
    assert RequestValidator(AUTH_TOKEN).validate(
        PUBLIC + path, body.decode(), headers["X-Twilio-Signature"]
    )
    other = body.replace(b"hello", b"hallo")
    assert (await house.client.post(path, content=other, headers=headers)).status_code == 403
    assert await nothing_kept(house)
    assert (await house.client.post(path, content=body, headers=headers)).status_code == 200
    (kept,) = await house.rows("SELECT body FROM replies.messages")
    assert kept["body"] == "hello"


@pytest.mark.parametrize(
    ("kind", "missing"),
    [("inbound", "MessageSid"), ("inbound", "From"), ("status", "MessageStatus")],
)
async def test_a_genuine_form_that_lacks_something(house, kind, missing):
    """Signed and useless: 422 with the field's name."""
    form = FORM | {"MessageStatus": "sent"}
    del form[missing]
    answer = await house.twilio(kind, form)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == f"/{missing}"
    assert await nothing_kept(house)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(raw=st.binary(max_size=300), signature=st.text(max_size=40))
async def test_forged_bytes_are_never_more_than_refused(house, raw, signature):
    """Whatever is sent without the secret: 4xx, and nothing kept."""
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Twilio-Signature": signature.encode("utf-8", "replace").replace(b"\n", b""),
    }
    for kind in ("inbound", "status", "answer", "gather"):
        answer = await house.client.post(house.path(kind), content=raw, headers=headers)
        assert answer.status_code == 403
    sandbox = house.path("inbound", provider="sandbox")
    answer = await house.client.post(
        sandbox, content=raw, headers={"X-Followup-Signature": signature.encode("utf-8", "replace")}
    )
    assert answer.status_code == 403
    assert await nothing_kept(house)


async def test_the_sandbox_says_what_is_wrong(house):
    """A signed body that does not fit: 422 with a pointer."""
    tries = [
        ({"id": "1"}, "/channel"),
        ({"id": "1", "channel": "sms", "from": "", "body": "x"}, "/from"),
        ({"id": "1", "channel": "email", "from": "a@b.c"}, "/channel"),
        ({"id": "1", "channel": "sms", "from": "+1", "more": 1}, "/more"),
        ([], ""),
    ]
    for body, pointer in tries:
        answer = await house.sandbox("inbound", "sms", body)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == pointer
    assert await nothing_kept(house)


async def test_an_account_without_the_secret_lets_nobody_in(house):
    """No auth token, no webhook: an empty key is nobody's signature."""
    await house.rows("UPDATE directory.accounts SET secrets = '' RETURNING 1")
    answer = await house.raw(house.path("inbound"), FORM, signed(house.path("inbound"), FORM, ""))
    assert answer.status_code == 403


async def test_secrets_that_do_not_open_are_ours_to_mend(house):
    """A key that is gone: 503, so that the vendor comes again."""
    await house.rows("UPDATE directory.accounts SET secrets = 'damaged' RETURNING 1")
    assert (await house.twilio("inbound", FORM)).status_code == 503


async def test_a_stopped_account_still_hears_a_stop(house):
    """Nothing is sent by it; what comes in counts."""
    await house.rows("UPDATE directory.accounts SET state = 'stopped' RETURNING 1")
    assert (await house.twilio("inbound", FORM)).status_code == 200
    assert await house.listed("phone", "+12125550123") == {"all"}
