"""A reply may want something and ask for silence: the sentence that asks is enough."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from followup_replies.core.reading import InboundText, Reading, read

FRIENDLY = [
    "Yes, Saturday at 10 works!",
    "How much is it?",
    "What's the address?",
    "Can I bring my son?",
    "Looking forward to it.",
    "Where do I park?",
    "¿Tienen azul?",
    "Samstag passt super.",
    "C'est combien ?",
    "Quanto custa?",
]
ASKING = [
    "STOP",
    "Please stop",
    "Stop texting me",
    "PS stop the marketing messages",
    "Opt out of marketing",
    "No more promo texts please",
    "Stop the promos",
    "unsubscribe",
    "BAJA",
    "No más promociones",
    "Por favor no me escriban más",
    "Bitte keine Werbung mehr",
    "STOP pub",
    "SAIR",
]


def reading_of(body: str) -> Reading:
    text = InboundText(channel="sms", body=body)
    return read(text, received=datetime(2026, 1, 5, tzinfo=UTC))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(FRIENDLY), min_size=1, max_size=8),
    st.sampled_from(ASKING),
    st.data(),
)
def test_no_wish_outweighs_a_sentence_that_asks_for_an_end(
    friendly: list[str], asking: str, data: st.DataObject
) -> None:
    """Wherever it stands, on a line of its own, and however many wishes stand around it."""
    lines = list(friendly)
    lines.insert(data.draw(st.integers(0, len(lines))), asking)
    reading = reading_of("\n".join(lines))
    assert reading.opt_out
    assert reading.stated


@pytest.mark.parametrize(
    "body",
    [
        "Can I come Saturday? STOP",
        "Sure, Saturday works. What's the address? Can I bring my son? Please dont text me again",
        "Yes Saturday works great. Do I need to cancel the other one? Thanks a lot. BAJA",
        "¿Puedo ir el sábado? ¿Cuánto cuesta el envío? ¿Tienen azul? No más promociones",
        "Don't take me off the waiting list! But take me off the texts",
        "Sure Saturday works whats the address can I bring my son also STOP",
        "i said friday and also UNSUBSCRIBE",
    ],
)
def test_a_stop_behind_questions_is_one(body: str) -> None:
    """In one breath with an appointment, too, and cried without a full stop before it."""
    reading = reading_of(body)
    assert (reading.opt_out, reading.intent, reading.stated) == (True, "opt_out", True)


@pytest.mark.parametrize(
    "body",
    [
        "please don't take me off the waiting list",
        "Great price. Can you do it Friday? Don't remove me from the list",
        "Don't stop sending me offers! I want to come Saturday. Is it $20?",
        "Sure! See you at the bus stop.",
        "Stop by any time. When are you open? Can we do Friday?",
        "Can you do Friday instead? Cancel Thursday please",
        "Is that the one by the BUS STOP",
        "MEET ME AT THE STOP",
    ],
)
def test_a_stop_word_in_another_sense_ends_nothing(body: str) -> None:
    """Each sentence is asked what it says, not whether a word stands in it."""
    assert not reading_of(body).opt_out
