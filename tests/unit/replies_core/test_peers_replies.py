"""What others got wrong about replies, each by its public report or its code."""

import pytest

from followup_replies.core.reading import InboundText, Reading, read
from tests.unit.replies_core.test_reading_replies import RECEIVED


def sms(body: str, **more: str) -> Reading:
    return read(InboundText(channel="sms", body=body, **more), received=RECEIVED)  # type: ignore[arg-type] # the one literal


@pytest.mark.parametrize("body", ["STOPALL", "stopall", "Stop All", "STOP"])
def test_every_keyword_of_the_carriers_stops(body: str) -> None:
    """mautic#11333: STOPALL was ignored; mautic#3721: texts went on after STOP."""
    assert sms(body).opt_out


def test_start_is_a_keyword_and_no_opt_out() -> None:
    """mautic#11333: START was ignored too."""
    assert (sms("START").keyword, sms("START").opt_out) == ("start", False)


@pytest.mark.parametrize("word", ["STOP", "START", "HELP"])
def test_the_vendors_own_word_comes_before_the_text(word: str) -> None:
    """mautic#11333 asks for the vendor's OptOutType: it has acted on it already."""
    assert sms("anything", vendor_opt_out=word).keyword == word.lower()


@pytest.mark.parametrize("body", ["", " ", "\n", "\u200b", "stop\0", "🛑"])
def test_no_stop_is_too_odd_to_be_read(body: str) -> None:
    """mautic#9153: a STOP crashed the handler."""
    assert sms(body).confidence >= 0


@pytest.mark.parametrize("body", ["can't stop by today", "I can't stop by today, sorry"])
def test_a_stop_inside_other_words_is_none(body: str) -> None:
    """parcelvoy, TextProvider.ts: every text that includes "stop" opted its sender out."""
    assert not sms(body).opt_out


@pytest.mark.parametrize("body", ["don't start again", "Don't start sending these again"])
def test_no_text_that_includes_start_subscribes_anybody(body: str) -> None:
    """parcelvoy, TextProvider.ts: "don't start again" subscribed its sender again."""
    assert sms(body).keyword != "start"


@pytest.mark.parametrize("body", ["STOP PLEASE", "please stop", "Stop, thanks!", "stop."])
def test_a_keyword_with_a_courtesy_is_one(body: str) -> None:
    """Vendors match the bare word only and ignore "STOP PLEASE"."""
    assert sms(body).opt_out
