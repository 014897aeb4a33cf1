"""The world outside: looks at what the sandbox recorded, and decides who does what when."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict

from followup_embedded.demo.characters import AWAY, NOT_NOW, CallEnd, Character
from followup_embedded.demo.evidence import Silence

_RING = timedelta(minutes=1)
_BEAT = timedelta(minutes=30)
_DAY = timedelta(days=1)
_STAFF = timedelta(hours=2)
_REACHES = timedelta(seconds=5)


class Entry(BaseModel):
    """A message or call as the sandbox recorded it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: UUID
    touch_id: UUID
    account_id: UUID
    person_id: UUID
    channel: str
    recipient: str
    sender: str
    text: str | None
    voicemail: str | None
    at: AwareDatetime


class OpenTask(BaseModel):
    """Something the product asks of a person."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: UUID
    lead_id: UUID
    person_id: UUID
    enrollment_id: UUID | None
    kind: str


@dataclass(frozen=True, slots=True)
class Answers:
    """Somebody writes back."""

    entry: Entry
    body: str
    habit: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unsubscribes:
    """Somebody uses the link at the end of an e-mail."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class CallEnds:
    """A telephone was answered, or was not."""

    entry: Entry
    end: CallEnd


@dataclass(frozen=True, slots=True)
class Books:
    """Somebody takes an appointment, on the phone or by the link."""

    person_id: UUID
    touch_id: UUID | None = None
    lead_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Works:
    """Somebody of the business does a task: answers a question, thanks, calls back."""

    task: OpenTask


Action = Answers | Unsubscribes | CallEnds | Books | Works

_QUIET_FOR: dict[str, timedelta | None] = {
    "not_now": NOT_NOW - _DAY,
    "away": AWAY - _DAY,
    "automatic": timedelta(0),
}
"""How long a reply silences us, at least; for good where nothing is said."""
_HELD = frozenset({"question", "complaint", "referral", "other"})
"""Replies after which a person of the business decides when it goes on."""


@dataclass(slots=True)
class World:
    """Who will do what, in the order of time, and what silence they are owed."""

    characters: Mapping[UUID, Character]
    silences: list[Silence] = field(default_factory=list)
    booked: set[UUID] = field(default_factory=set)
    calls: list[CallEnds] = field(default_factory=list)
    _agenda: list[tuple[datetime, int, Action]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)
    _held: dict[UUID, Silence] = field(default_factory=dict)

    def see(self, entry: Entry) -> None:
        """Somebody gets a message or a call."""
        character = self.characters[entry.person_id]
        if entry.channel == "voice":
            self._rings(character, entry)
        elif character.moved():
            when = entry.at + character.delay()
            self._plan(when, self._act(character, entry, when))

    def task(self, task: OpenTask, now: datetime) -> None:
        """The business is asked to do something."""
        self._plan(now + _STAFF, Works(task))

    def after(self, action: Action, now: datetime) -> None:
        """What follows from an action that was answered at `now`: silence, or more."""
        match action:
            case Answers(entry, habit=habit):
                self._owe(entry.person_id, now, habit)
            case Unsubscribes(entry):
                self._owe(entry.person_id, now, "unsubscribing")
            case Books(person_id):
                self.booked.add(person_id)
                # An event is taken in at once and reaches the sequence a moment later.
                self._owe(person_id, now + _REACHES, "booking")
            case CallEnds(entry, end):
                self.calls.append(action)
                character = self.characters[entry.person_id]
                willing = character.habit in ("books", "interested") and not character.acted
                if end == "answered" and willing:
                    character.acted = True
                    self._plan(now, Books(entry.person_id, touch_id=entry.touch_id))
            case Works(task):
                self._goes_on(task, now)

    def due(self, now: datetime) -> list[Action]:
        """Take what is to be done by now."""
        found = []
        while self._agenda and self._agenda[0][0] <= now:
            found.append(heappop(self._agenda)[2])
        return found

    @property
    def next_at(self) -> datetime | None:
        """When somebody acts next."""
        return self._agenda[0][0] if self._agenda else None

    def _rings(self, character: Character, entry: Entry) -> None:
        end = character.picks_up()
        if end == "voicemail" and not entry.voicemail:
            end = "machine"
        self._plan(entry.at + _RING, CallEnds(entry, end))

    def _act(self, character: Character, entry: Entry, when: datetime) -> Action:
        if character.habit == "books":
            return Books(entry.person_id, touch_id=entry.touch_id)
        if character.habit == "unsubscribes" and entry.channel == "email":
            return Unsubscribes(entry)
        automatic = character.habit in ("away", "automatic")
        headers = {"Auto-Submitted": "auto-replied"} if automatic else {}
        return Answers(entry, character.words(when), character.habit, headers)

    def _plan(self, when: datetime, action: Action) -> None:
        # People act on the beat, so that many act at once and the clock jumps less often.
        beats = -(-(when - datetime(2026, 1, 1, tzinfo=UTC)) // _BEAT)
        at = datetime(2026, 1, 1, tzinfo=UTC) + beats * _BEAT
        heappush(self._agenda, (at, next(self._numbers), action))

    def _owe(self, person_id: UUID, now: datetime, why: str) -> None:
        length = _QUIET_FOR.get(why)
        silence = Silence(person_id, now, why, None if length is None else now + length)
        if why in _HELD:
            self._held[person_id] = silence
        elif length != timedelta(0):
            self.silences.append(silence)

    def _goes_on(self, task: OpenTask, now: datetime) -> None:
        held = self._held.pop(task.person_id, None)
        if held is not None:
            self.silences.append(Silence(held.person_id, held.since, held.why, now))
        character = self.characters.get(task.person_id)
        if task.kind == "contact_interested" and character and character.luck.random() < 0.5:  # noqa: PLR2004 - every other one
            self._plan(now, Books(task.person_id, lead_id=task.lead_id))
