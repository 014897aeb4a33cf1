import pytest

from followup_scheduler.core.library import library
from followup_scheduler.core.routing import asked_for_help, route


@pytest.mark.parametrize(
    ("source", "key"),
    [
        ("google_lsa", "d2-google"),
        ("gmb_call", "d2-google"),
        ("facebook_lead_ad", "d1"),
        ("instagram_lead_ad", "d1"),
        ("referral", "d2-referral"),
        ("web_form", "d1-web"),
        ("cold_outbound", "d2-cold"),
        ("unknown", "d1"),
        ("billboard", "d1"),
    ],
)
def test_a_source_has_its_sequence(source: str, key: str) -> None:
    """D2, and the standard sequence for sources nobody listed; all of them exist."""
    for audience in ("b2b", "b2c"):
        assert route(source, asked=asked_for_help(source), audience=audience) == key
    assert key in library()


@pytest.mark.parametrize("source", ["web_form", "google_lsa", "unknown", "referral"])
def test_people_who_never_asked_get_the_cold_rules(source: str) -> None:
    """C3: a list that was bought is cold, whatever it calls its source."""
    assert route(source, asked=False, audience="b2c") == "d2-cold"


def test_only_cold_outbound_never_asked() -> None:
    """Everybody else got in touch themselves, or came on a recommendation with a need."""
    assert not asked_for_help("cold_outbound")
    assert all(asked_for_help(s) for s in ("web_form", "referral", "unknown", "gmb_call"))
