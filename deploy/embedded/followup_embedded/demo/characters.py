"""Simulated people: what somebody is like, the same every time for the same address."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Literal

Habit = Literal[
    "silent",
    "interested",
    "books",
    "question",
    "not_now",
    "not_interested",
    "already_bought",
    "wrong_person",
    "complaint",
    "referral",
    "stop",
    "unsubscribes",
    "other",
    "away",
    "automatic",
]
"""What somebody does about being followed up, if anything."""

CallEnd = Literal["answered", "voicemail", "machine", "no_answer", "busy"]

_HABITS: dict[Habit, int] = {
    "silent": 46,
    "interested": 9,
    "books": 9,
    "question": 5,
    "not_now": 5,
    "not_interested": 4,
    "already_bought": 2,
    "wrong_person": 2,
    "complaint": 1,
    "referral": 2,
    "stop": 5,
    "unsubscribes": 3,
    "other": 2,
    "away": 3,
    "automatic": 2,
}
_CALLS: dict[CallEnd, int] = {
    "answered": 22,
    "voicemail": 42,
    "machine": 4,
    "no_answer": 22,
    "busy": 10,
}
_PATIENCE = {1: 40, 2: 25, 3: 18, 4: 11, 5: 6}
_DELAYS = (timedelta(minutes=10), timedelta(minutes=50), timedelta(hours=3))

_WORDS: dict[Habit, tuple[str, ...]] = {
    "interested": (
        "Yes please, this week would be great. Can you call me?",
        "I'm interested, please send me a quote.",
        "Yes, let's do it. When can you come?",
    ),
    "question": (
        "How much does it cost roughly?",
        "Do you also work on weekends?",
        "What does that include, and is there a warranty?",
    ),
    "not_now": ("Not right now, please try me again in two weeks.",),
    "not_interested": ("No thanks, not interested.", "We decided against it, thank you."),
    "already_bought": ("We already went with another company, thanks.",),
    "wrong_person": ("You have the wrong number.",),
    "complaint": (
        "This is ridiculous, your people called me three times. I want to speak to a manager.",
    ),
    "referral": (
        "I don't need it, but my sister Jane is looking for someone, you could call her.",
    ),
    "stop": ("STOP", "Stop texting me", "stop."),
    "unsubscribes": ("Unsubscribe me please",),
    "other": ("ok", "Hmm"),
    "automatic": ("Thank you for your message. This mailbox is answered automatically.",),
}

NOT_NOW = timedelta(days=14)
AWAY = timedelta(days=5)


@dataclass(slots=True)
class Character:
    """One simulated person. Draws only from `luck`, which an address seeds."""

    habit: Habit
    patience: int
    luck: Random
    heard: int = 0
    acted: bool = False

    @classmethod
    def of(cls, address: str) -> "Character":
        """The person at this address."""
        luck = Random(f"followup demo {address}")  # noqa: S311 - play, and to be repeated
        habit = luck.choices(list(_HABITS), weights=list(_HABITS.values()))[0]
        patience = luck.choices(list(_PATIENCE), weights=list(_PATIENCE.values()))[0]
        return cls(habit, patience, luck)

    def moved(self) -> bool:
        """Whether one more message makes them act; once in their life."""
        self.heard += 1
        if self.acted or self.habit == "silent" or self.heard < self.patience:
            return False
        self.acted = True
        return True

    def words(self, now: datetime) -> str:
        """What they write."""
        if self.habit == "away":
            back = now + AWAY
            return f"I am out of the office until {back:%B} {back.day} and will answer then."
        return self.luck.choice(_WORDS[self.habit])

    def delay(self) -> timedelta:
        """How long they take to answer."""
        return self.luck.choice(_DELAYS)

    def picks_up(self) -> CallEnd:
        """What becomes of a call to them."""
        return self.luck.choices(list(_CALLS), weights=list(_CALLS.values()))[0]
