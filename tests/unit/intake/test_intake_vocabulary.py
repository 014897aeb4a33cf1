"""Sources, consent and values: what people call things."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup_intake.core.consent import read_consent
from followup_intake.core.sources import platform_source, read_source
from followup_intake.core.values import read_value


@pytest.mark.parametrize(
    ("cell", "source"),
    [
        ("Google Local Service Ads", "google_lsa"),
        ("lsa", "google_lsa"),
        ("GBP", "gmb_call"),
        ("Google my business", "gmb_call"),
        ("fb form", "facebook_lead_ad"),
        ("Facebok", "facebook_lead_ad"),
        ("IG story", "instagram_lead_ad"),
        ("instagram-lead-ad", "instagram_lead_ad"),
        ("Reffered by neighbour", "referral"),
        ("word-of-mouth", "referral"),
        ("Our web site", "web_form"),
        ("contact form", "web_form"),
        ("Cold Call", "cold_outbound"),
        ("outbound", "cold_outbound"),
        ("Google", "unknown"),
        ("walk-in", "unknown"),
        ("???", "unknown"),
        ("", "unknown"),
    ],
)
def test_sources_by_any_name(cell, source):
    """One of the seven sources, else unknown."""
    assert read_source(cell) == source


def test_the_platform_column_of_an_ad_export_is_a_source():
    """`fb` and `ig` are what the ad platform itself writes."""
    assert platform_source("ig") == "instagram_lead_ad"
    assert platform_source("an") == "facebook_lead_ad"


@pytest.mark.parametrize(
    "cell", ["Y", "yes", "TRUE", "1", "1.0", "oui", "Ja", "sí", "Opted In", "✓"]
)
def test_consent_given(cell):
    """In the languages and formats forms export."""
    assert read_consent(cell) == "yes"


@pytest.mark.parametrize(
    "cell", ["N", "no", "FALSE", "0", "non", "Nein", "opted-out", "DNC", "No, thanks"]
)
def test_consent_refused(cell):
    """A refusal in any of them."""
    assert read_consent(cell) == "no"


@pytest.mark.parametrize(
    "cell", ["", "?", "n/a", "pending", "unknown", "no answer", "yes?", "verbal"]
)
def test_consent_that_is_neither_is_unknown(cell):
    """Silence is not consent, nor a refusal."""
    assert read_consent(cell) == "unknown"


@pytest.mark.parametrize(
    ("cell", "amount", "currency"),
    [
        ("$1,200", "1200", "USD"),
        ("$12,500.00", "12500.00", "USD"),
        ("1.200,00 €", "1200.00", "EUR"),
        ("3 500,00 €", "3500.00", "EUR"),
        ("CA$2,100", "2100", "CAD"),
        ("AUD 80", "80", "AUD"),
        ("£2.400", "2400", "GBP"),
        ("$ 450", "450", "USD"),
        ("15000", "15000", None),
        ("0", "0", None),
        ("1,5", "1.5", None),
        ("5k", "5000", None),
        ("1'200.50", "1200.50", None),
    ],
)
def test_amounts_in_either_notation(cell, amount, currency):
    """Thousands and decimals are told apart by their place."""
    reading = read_value(cell)
    assert (reading.amount, reading.currency, reading.fault) == (Decimal(amount), currency, False)


@pytest.mark.parametrize("cell", ["", "-", "n/a", "TBD"])
def test_no_value_yet_is_no_fault(cell):
    """Nobody has to know."""
    assert read_value(cell).fault is False


@pytest.mark.parametrize("cell", ["a lot", "ask me", "???", "-500", "$", "10-15"])
def test_a_value_that_is_no_amount_is_a_fault(cell):
    """It is named, not guessed."""
    assert read_value(cell).fault


@given(st.text(max_size=60))
def test_any_text_is_read(text):
    """No cell raises, and every answer is one of the few there are."""
    assert read_consent(text) in {"yes", "no", "unknown"}
    assert read_source(text)
    reading = read_value(text)
    assert reading.amount is None or reading.amount >= 0
