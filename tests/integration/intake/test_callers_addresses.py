"""Whose address stands in a proof of consent, and is counted, behind proxies and without."""

import httpx
import pytest

from followup_intake.routes.doors import EACH_MINUTE

FORM = {"name": "Ada Lovelace", "email": "ada@example.com", "consent": "on"}


async def _url(intake) -> str:
    body = {"kind": "form", "name": "site", "config": {"consent_wording": "Call me"}}
    made = await intake.post("/v1/sources", json=body)
    return made.json()["url"].removeprefix("http://intake")


@pytest.mark.parametrize(
    ("proxies", "forwarded", "named"),
    [
        ((), None, "127.0.0.1"),
        ((), "203.0.113.9", "127.0.0.1"),
        (("10.0.0.0/8",), "203.0.113.9", "127.0.0.1"),
        (("127.0.0.1/32",), None, "127.0.0.1"),
        (("127.0.0.1/32",), "198.51.100.7, 203.0.113.9", "203.0.113.9"),
        (("127.0.0.0/8", "10.0.0.0/8"), "198.51.100.7, 203.0.113.9, 10.1.2.3", "203.0.113.9"),
        (("127.0.0.1/32",), "198.51.100.7, ::ffff:203.0.113.9", "203.0.113.9"),
        (("127.0.0.1/32",), "<script>", None),
    ],
    ids=["plain", "spoofed", "other proxy", "silent", "one", "two", "mapped", "no address"],
)
async def test_a_proof_of_consent_names_who_can_be_known(
    intake, monkeypatch, proxies, forwarded, named
):
    """The peer, unless it is a trusted proxy; what a visitor put into the header is not taken."""
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    url = await _url(intake)
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    async with intake.listening(*proxies) as (host, port), httpx.AsyncClient(timeout=60) as browser:
        answer = await browser.post(f"http://{host}:{port}{url}", json=FORM, headers=headers)
    assert answer.status_code == 201, answer.text
    (consent,) = await intake.rows("SELECT ip FROM people.consents")
    assert consent["ip"] == named


async def test_a_limit_by_address_is_not_got_round_with_a_header(intake):
    """However many addresses a caller makes up, it is one."""
    url = await _url(intake)
    async with intake.listening() as (host, port), httpx.AsyncClient(timeout=60) as browser:
        # A minute may begin between two of them.
        codes = [
            (
                await browser.post(
                    f"http://{host}:{port}{url}",
                    json={},
                    headers={"X-Forwarded-For": f"203.0.113.{number}"},
                )
            ).status_code
            for number in range(2 * EACH_MINUTE + 1)
        ]
    assert set(codes) == {422, 429}
