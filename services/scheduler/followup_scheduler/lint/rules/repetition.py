"""R7: no message twice, one thing to do in each, and more than one channel."""

from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations, pairwise

from followup_scheduler.core.format.text import Rotation
from followup_scheduler.core.steps import TaskStep
from followup_scheduler.lint.findings import Flaw
from followup_scheduler.lint.prose import is_opt_out, links, questions, sentences, words
from followup_scheduler.lint.readings import readings
from followup_scheduler.lint.rule import Rule
from followup_scheduler.lint.script import Message, Script

_SAME_ANGLE = 0.6
_FEW_WORDS = 8
_YEARLY_MONTHS = 6
_YEARLY_DAYS = 180
_MOST_QUESTIONS = 2
_TOUCHES = 3


def _same(script: Script) -> Iterator[Flaw]:
    for one, other in combinations(script.messages, 2):
        if one.key != other.key and _said(one) == _said(other) and _both_come(script, one, other):
            yield Flaw(
                other.path,
                f"says the same as {one.key!r}",
                "give each message an angle of its own",
            )
        elif _is_reused(one, other) and _both_come(script, one, other):
            yield Flaw(
                f"{other.touch_path}/template",
                f"{other.key!r} was sent in step {one.step.id!r} already",
                "write this step a message of its own",
            )
    yield from _again(script)


def _is_reused(one: Message, other: Message) -> bool:
    return one.key == other.key and one.channel == other.channel


def _again(script: Script) -> Iterator[Flaw]:
    """What a repeating sequence would say over and over."""
    repeat = script.sequence.repeat
    if repeat is None or script.asked_for:
        return
    if repeat.months() >= _YEARLY_MONTHS or repeat.days() >= _YEARLY_DAYS:
        return  # a birthday's words may be last year's
    told: set[str] = set()
    for message in script.messages:
        if message.repeated and message.key not in told:
            told.add(message.key)
            yield Flaw(
                f"{message.touch_path}/template",
                f"{message.key!r} would be sent every time round",
                "write several and let them take turns: {rotate: [one, two]}",
            )


def _alike(script: Script) -> Iterator[Flaw]:
    for one, other in combinations(script.messages, 2):
        if one.key == other.key or _said(one) == _said(other):
            continue
        if _likeness(one, other) >= _SAME_ANGLE and _both_come(script, one, other):
            yield Flaw(
                other.path,
                f"is nearly {one.key!r} again: the same angle twice",
                "say something that has not been said",
            )


def _many_asks(script: Script) -> Iterator[Flaw]:
    for message in script.messages:
        for speech in message.speeches():
            said = speech.seen.words
            asked, led = questions(said), len(links(_without_opt_out(said)))
            if led > 1 or asked > _MOST_QUESTIONS:
                what = f"{led} links" if led > 1 else f"{asked} questions"
                yield Flaw(
                    speech.path,
                    f"asks for several things at once: {what}",
                    "leave one clear thing to do",
                )


def _one_channel(script: Script) -> Iterator[Flaw]:
    touches = {m.touch_path: m for m in script.follow_ups()}.values()
    channels = {m.channel for m in script.follow_ups()}
    by_hand = any(isinstance(step, TaskStep) for step in script.sequence.steps)
    if len(touches) >= _TOUCHES and len(channels) == 1 and not by_hand:
        yield Flaw(
            "/steps",
            f"all {len(touches)} touches go by {channels.pop()}",
            "use another channel at least once",
        )


def _both_come(script: Script, one: Message, other: Message) -> bool:
    """Whether one lead may get both, rather than the one or the other."""
    if one.touch_path == other.touch_path:
        return any(
            isinstance(choice.use, Rotation) and {one.key, other.key} <= set(choice.uses())
            for choice in one.touch.choices()
        )
    return one.place == other.place or script.course.may_follow(one.place, other.place)


def _said(message: Message) -> tuple[str, ...]:
    return _spoken(message.body.text)


@lru_cache(maxsize=2_048)
def _spoken(source: str) -> tuple[str, ...]:
    return tuple(words(readings(source).full.words))


def _likeness(one: Message, other: Message) -> float:
    """How much of the shorter of two messages the other has too, by pairs of words."""
    first, second = _pairs(one.body.text), _pairs(other.body.text)
    fewest = min(len(first), len(second))
    return len(first & second) / fewest if fewest >= _FEW_WORDS else 0.0


@lru_cache(maxsize=2_048)
def _pairs(source: str) -> frozenset[tuple[str, str]]:
    said = words(" ".join(sentences(readings(source).full.own)))
    return frozenset(pairwise(said))


def _without_opt_out(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not is_opt_out(line))


RULES = (
    Rule(
        id="R7-same-message",
        severity="error",
        asks="No message comes twice in a sequence, nor each time round of one that repeats.",
        because="Whoever did not answer it will not answer it again.",
        check=_same,
    ),
    Rule(
        id="R7-same-angle",
        severity="warning",
        asks="Every message has an angle of its own.",
        because="Two that share most of their words share their reason to write, too.",
        check=_alike,
    ),
    Rule(
        id="R7-several-asks",
        severity="error",
        asks="A message asks for one thing: one link, and no more than two questions.",
        because="Two calls to action get fewer answers than one.",
        check=_many_asks,
    ),
    Rule(
        id="R7-one-channel",
        severity="error",
        asks="A sequence of three touches and more uses a second channel.",
        because="A channel that somebody does not read is not answered, however often.",
        check=_one_channel,
    ),
)
