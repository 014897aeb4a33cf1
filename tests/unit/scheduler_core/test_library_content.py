"""What the library's sequences say, against the rules for content."""

import re
from collections.abc import Iterator
from itertools import combinations

import pytest
from liquid import Environment, StrictDefaultUndefined

from followup_policy.segments import segments_of
from followup_scheduler.core.document import Sequence
from followup_scheduler.core.library import library, load

KNOWN = {
    "person": {"first_name": "Maximiliane", "city": "Saint Petersburg"},
    "lead": {"need": "a complete bathroom renovation"},
    "business": {
        "name": "Harbour & Sons Plumbing",
        "agent": "Christopher",
        "phone": "+1 212 555 0123",
        "booking_link": "https://book.example.com/harbour-and-sons",
    },
}
NOTHING: dict[str, dict[str, str]] = {"person": {}, "lead": {}, "business": {}}
IDLE = re.compile(
    r"just checking|checking in|touching base|touch base|following up|follow up|circling back"
    r"|bump(ing)? this|any (thoughts|updates)",
    re.IGNORECASE,
)
URGENT = re.compile(
    r"last chance|hurry|act now|expires|only today|limited|before it is too late", re.IGNORECASE
)

EACH = pytest.mark.parametrize("key", sorted(library()))


def parts(sequence: Sequence, channel: str) -> Iterator[tuple[str, str, str]]:
    """Template key, part and Liquid text of everything said on a channel."""
    for step in sequence.steps:
        for touch in step.touches:
            if touch.channel == channel:
                for choice in touch.choices():
                    body = sequence.templates[choice.use]
                    said = {"subject": body.subject, "text": body.text, "voicemail": body.voicemail}
                    yield from ((choice.use, part, text) for part, text in said.items() if text)


def all_parts(sequence: Sequence) -> Iterator[tuple[str, str, str]]:
    for channel in ("sms", "email", "voice"):
        yield from parts(sequence, channel)


def render(text: str, values: dict[str, dict[str, str]]) -> str:
    environment = Environment(undefined=StrictDefaultUndefined)
    return environment.from_string(text).render(**values)


def sentences(text: str) -> int:
    body = text.partition("\n\n" + KNOWN["business"]["agent"])[0]
    return len(re.findall(r"[.?!](?=\s|$)", body))


@EACH
def test_every_text_can_do_without_data(key: str) -> None:
    """With nothing known but the lead itself each part still renders, without odd gaps."""
    for name, part, text in all_parts(load(key)):
        said = render(text, NOTHING)
        assert said.strip(), (name, part)
        assert not re.search(r" [,.?!]|  \S|, ,", said), (name, said)


@EACH
def test_texts_fit_three_segments(key: str) -> None:
    """With long names and a long need, an SMS is at most three segments and plain GSM-7."""
    for name, _, text in parts(load(key), "sms"):
        said = render(text, KNOWN)
        assert segments_of(said) <= 3, (name, said)
        assert said.isascii(), name


@EACH
def test_the_first_text_says_how_to_opt_out(key: str) -> None:
    """Whichever text comes first carries the word that stops them."""
    _, _, text = next(parts(load(key), "sms"))
    assert "Reply STOP to opt out." in text


@EACH
def test_voicemails_are_spoken_in_under_thirty_seconds(key: str) -> None:
    """R4: at most 75 words, at 150 words a minute."""
    spoken = [(n, t) for n, part, t in parts(load(key), "voice") if part == "voicemail"]
    assert spoken
    for name, text in spoken:
        assert len(render(text, KNOWN).split()) <= 75, name


@EACH
def test_first_lines_are_personal(key: str) -> None:
    """R5: the first sentences name the person, and the message its subject."""
    for name, part, text in all_parts(load(key)):
        if part != "subject":
            assert "person.first_name" in text.splitlines()[0].partition(",")[0], name
            assert "lead.need" in text, name


@EACH
def test_messages_are_short_and_easy_to_answer(key: str) -> None:
    """R8: five sentences at most; texts and mails ask one question."""
    for channel in ("sms", "email", "voice"):
        for name, part, text in parts(load(key), channel):
            said = render(text, KNOWN)
            if part != "subject":
                assert sentences(said) <= 5, (name, sentences(said))
            if part == "text" and channel != "voice":
                assert said.count("?") == 1, name


@EACH
def test_nobody_is_just_checking_in_or_hurried(key: str) -> None:
    """R9 and R10: no empty phrases, and no urgency without a date to show for it."""
    for name, _, text in all_parts(load(key)):
        assert not IDLE.search(text), name
        assert not URGENT.search(text), name


@EACH
def test_no_message_comes_twice(key: str) -> None:
    """R7: each template is used once, no two say the same, and there is more than one channel."""
    sequence = load(key)
    used = [c.use for s in sequence.steps for t in s.touches for c in t.choices()]
    assert len(used) == len(set(used))
    texts = [" ".join(text.split()) for _, part, text in all_parts(sequence) if part != "subject"]
    assert all(one != other for one, other in combinations(texts, 2))
    assert len({t.channel for s in sequence.steps for t in s.touches}) > 1


@EACH
def test_there_are_five_to_seven_touches(key: str) -> None:
    """R14, counting what one lead can get."""
    touches = [t for s in load(key).steps for t in s.touches if t.when is None]
    assert 5 <= len(touches) <= 7
    assert load(key).end.hand_off == "nurture"
