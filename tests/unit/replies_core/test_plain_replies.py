"""Plain replies of a few words, of which there are more than of all others: none is misheard.

`plain_replies.tsv`: whether it ends the messages, its intent (`-` where only that counts), the
text. They were written down before anything was learnt for them; some are sayings by now.
"""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from followup_contracts.channels import Channel
from followup_replies.core.reading import InboundText, Reading, read

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DATA = Path(__file__).parent / "data"


def lines(name: str) -> list[list[str]]:
    return [line.split("\t") for line in (DATA / name).read_text(encoding="utf-8").splitlines()]


LINES = lines("plain_replies.tsv")
WISHES = [
    "yes i still want the quote but {}, call the landline",
    "thanks for the info. {}",
    "my husband handles this, 555-0129. and {}",
    "{}, I already bought one",
    "wrong number, {}",
    "I'm at work {}",
    "Could the office ring me about the invoice? Also {}.",
]


def heard(text: str, channel: Channel = "sms") -> Reading:
    return read(InboundText(channel=channel, body=text), received=NOW)


@pytest.mark.parametrize("text", [text for stops, _, text in LINES if stops == "1"])
def test_a_plain_end_is_heard(text: str) -> None:
    """A text after one of these is a lawsuit, an e-mail after it a fine."""
    assert heard(text).opt_out
    assert heard(text, "email").opt_out


@pytest.mark.parametrize("text", [text for stops, _, text in LINES if stops == "0"])
def test_what_is_no_end_is_not_taken_for_one(text: str) -> None:
    """Whoever asks for more details is not silenced."""
    assert not heard(text).opt_out


def test_plain_intents_are_heard() -> None:
    """Nineteen in twenty of them; the others become tasks or near neighbours of what was meant."""
    labelled = [(intent, text) for _, intent, text in LINES if intent != "-"]
    missed = [text for intent, text in labelled if heard(text).intent != intent]
    assert len(missed) * 20 <= len(labelled), missed


def test_an_end_is_heard_beside_another_wish() -> None:
    """By itself always; in the midst of something else by ninety-seven in a hundred."""
    asks = [text for stops, text in lines("asks_beside_wishes.tsv") if stops == "1"]
    assert [text for text in asks if not heard(text).opt_out] == []
    beside = [wish.format(text) for text in asks for wish in WISHES]
    missed = [text for text in beside if not heard(text).opt_out]
    assert len(missed) * 100 <= 3 * len(beside), missed


def test_words_of_an_end_beside_a_wish_end_nothing() -> None:
    """Ninety-four in a hundred: half of a mixed message that is none weighs less than a STOP."""
    others = [text for stops, text in lines("asks_beside_wishes.tsv") if stops == "0"]
    beside = [wish.format(text) for text in others for wish in WISHES]
    mistaken = [text for text in beside if heard(text).opt_out]
    assert len(mistaken) * 100 <= 6 * len(beside), mistaken
