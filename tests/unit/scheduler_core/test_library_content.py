"""What the library's sequences say, beyond what the lint asks of every document."""

import re

import pytest

from followup_policy.segments import segments_of
from followup_scheduler.core.document import Sequence
from followup_scheduler.core.library import library, load
from followup_scheduler.core.steps import TouchStep
from followup_scheduler.lint.readings import readings
from followup_scheduler.lint.script import Message, Script

EACH = pytest.mark.parametrize("key", sorted(library()))
FORTNIGHT = ("d1", "d1-web", "d2-cold", "d2-google", "d2-referral")


def messages(key: str) -> tuple[Message, ...]:
    return Script(load(key)).messages


@EACH
def test_every_text_can_do_without_data(key: str) -> None:
    """With nothing known but dates each part still reads well, without odd gaps."""
    for message in messages(key):
        for speech in message.speeches():
            said = speech.readings.bare.words
            assert said.strip(), speech.path
            assert not re.search(r" [,.?!]|\S  \S|, ,|\.\.(?!\.)", said), (speech.path, said)


@EACH
def test_texts_are_plain_and_fit_three_segments(key: str) -> None:
    """With long names and a long need."""
    for message in messages(key):
        if message.channel == "sms":
            said = readings(message.body.text).full.words
            assert segments_of(said) <= 3, (message.key, said)
            assert said.isascii(), message.key


@EACH
def test_every_touch_can_be_personal(key: str) -> None:
    """Each message greets by name where the name is known."""
    for message in messages(key):
        assert "person.first_name" in message.body.text, message.key


@EACH
def test_every_template_is_used(key: str) -> None:
    """No text is left over."""
    assert {message.key for message in messages(key)} == load(key).templates.keys()


@pytest.mark.parametrize("key", FORTNIGHT)
def test_there_are_five_to_seven_touches_and_then_nurture(key: str) -> None:
    """R14, counting what one lead can get."""
    sequence: Sequence = load(key)
    rounds = [step for step in sequence.steps if isinstance(step, TouchStep)]
    touches = [touch for step in rounds for touch in step.touches if touch.when is None]
    assert 5 <= len(touches) <= 7
    assert sequence.end.hand_off == "nurture"
