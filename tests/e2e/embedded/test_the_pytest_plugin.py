"""Tests of a product around Followup, written as its own developers would."""

import tomllib
from pathlib import Path

pytest_plugins = ["pytester"]

PLUGIN = "followup_embedded.pytest_plugin"
EMBEDDED = Path(__file__).parents[3] / "deploy/embedded/pyproject.toml"
THEIRS = """
from datetime import datetime, timedelta, timezone

import pytest

LEAD = {
    "name": "Robin Example", "phone": "+12125550100", "email": "robin@example.com",
    "source": "web_form", "country": "US", "state": "NY", "consent": "yes", "need": "a new roof",
}


def test_a_new_customer_is_thanked_at_once(followup):
    assert followup.http.post("/v1/leads", json=LEAD).status_code == 201
    [thanks, *_] = followup.outbox(channel="sms")
    assert (thanks.recipient, thanks.at) == ("+12125550100", followup.now)
    assert "Robin" in thanks.text


def test_who_stops_hears_no_more(followup):
    followup.http.post("/v1/leads", json=LEAD)
    followup.advance(timedelta(days=2))
    texts = followup.outbox(to="+12125550100", channel="sms")
    assert 1 < len(followup.outbox()) > len(texts) > 0
    followup.reply(texts[0], "STOP")
    followup.advance(timedelta(days=30))
    assert followup.outbox(to="+12125550100", channel="sms") == texts


def test_time_stands_and_never_goes_back(followup):
    assert followup.now == datetime(2026, 3, 2, 15, tzinfo=timezone.utc)
    assert followup.outbox() == []
    with pytest.raises(ValueError):
        followup.advance(timedelta(days=-1))


class TestOtherwise:
    @pytest.fixture
    def followup_start(self):
        return datetime(2027, 7, 1, 12, tzinfo=timezone.utc)

    @pytest.fixture
    def followup_business(self):
        return {"business_name": "Roofs of Example", "agent_name": "Kim"}

    def test_it_begins_when_and_as_whom_one_likes(self, followup):
        assert followup.now.year == 2027
        followup.http.post("/v1/leads", json=LEAD)
        followup.advance(timedelta(days=1))
        assert any("Kim" in (sent.text or "") for sent in followup.outbox())

    def test_its_address_and_key_are_for_anybody(self, followup):
        import httpx

        headers = {"Authorization": f"Bearer {followup.key}"}
        assert httpx.get(f"{followup.url}/v1/tasks", headers=headers).json()["items"] == []
"""


def test_the_plugin_comes_with_the_package() -> None:
    """Whoever has followup-embedded installed has the fixture."""
    project = tomllib.loads(EMBEDDED.read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"followup": PLUGIN}


def test_a_product_is_tested_with_a_followup_of_its_own(pytester) -> None:
    """Each test has one, with a clock it moves and an outbox it looks into."""
    pytester.makepyfile(THEIRS)
    # By its module, whether or not this environment has read the entry point.
    by_module = ("-p", "no:followup", "-p", PLUGIN, "-p", "no:asyncio")
    result = pytester.runpytest_subprocess(*by_module, "-p", "no:schemathesis", "-W", "error")
    result.assert_outcomes(passed=5)
