"""Who may be written to freely on a channel that has a window for answers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup_contracts.channels import TRAITS
from followup_dispatcher.core.answering import ANSWERED_WITHIN, last_heard, within_window
from followup_dispatcher.core.verdict import Skip
from followup_dispatcher.providers.port import Content
from followup_people import ContactPoint

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
FREE = Content("Hi Dana, shall we come on Tuesday?")
FORM = replace(FREE, template="visit_offer/en_US")


@given(st.integers(0, 3 * 86_400))
def test_free_text_goes_out_within_the_day_after_the_persons_word_alone(seconds):
    """Within 24 hours, less a margin, it is free; from there on it needs an approved form."""
    found = within_window(
        FREE, "whatsapp", heard=NOW - timedelta(seconds=seconds), consent="yes", now=NOW
    )
    if seconds < 24 * 3600 - 300:
        assert found == FREE
    else:
        assert isinstance(found, Skip)


@pytest.mark.parametrize("channel", ["whatsapp", "instagram"])
def test_nobody_is_written_to_first_without_a_form(channel):
    """Who never wrote gets no free message, whatever they agreed to."""
    assert isinstance(within_window(FREE, channel, heard=None, consent="yes", now=NOW), Skip)


@pytest.mark.parametrize("consent", ["no", "unknown"])
def test_an_approved_form_goes_to_people_who_agreed(consent):
    """Outside the window the form needs recorded consent."""
    assert isinstance(within_window(FORM, "whatsapp", heard=None, consent=consent, now=NOW), Skip)
    assert within_window(FORM, "whatsapp", heard=None, consent="yes", now=NOW) == FORM


def test_within_the_window_the_text_goes_as_it_is():
    """A form is for when nothing else may go out."""
    heard = NOW - timedelta(hours=1)
    assert within_window(FORM, "whatsapp", heard=heard, consent="unknown", now=NOW) == FREE


@pytest.mark.parametrize("channel", [c for c, traits in TRAITS.items() if traits.window is None])
def test_other_channels_have_no_window(channel):
    """A text, a call or an e-mail does not wait for the person's own word."""
    assert within_window(FREE, channel, heard=None, consent="unknown", now=NOW) == FREE


@given(st.lists(st.integers(0, 10 * 86_400), max_size=4))
def test_what_is_written_answers_the_last_word_of_three_days(seconds):
    """The newest of all their words counts, on whatever channel and from whatever address."""
    points = [
        ContactPoint("phone", f"+1212555{n:04}", "usable", NOW, {"sms": NOW - timedelta(seconds=s)})
        for n, s in enumerate(seconds)
    ]
    recent = [NOW - timedelta(seconds=s) for s in seconds if timedelta(seconds=s) < ANSWERED_WITHIN]
    assert last_heard(points, now=NOW) == max(recent, default=None)
