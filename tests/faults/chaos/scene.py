"""Who is followed up in a run, where they live, and by which sequences."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from chaos.evidence import LeadKind
from followup_policy.quiet import quiet_hours
from followup_policy.zones import Place, whereabouts

# Some of them is open and some is closed at any hour of any day: New York and Los Angeles
# 8 to 21, Honolulu after them, India 10 to 21.
PLACES = (
    ("US", "NY", "10001", "+1212"),
    ("US", "CA", "94103", "+1415"),
    ("US", "HI", "96813", "+1808"),
    ("IN", None, None, "+9198"),
)
LONGEST_RUN = timedelta(minutes=40)

_DOCUMENT = """
format: 1
key: {key}
name: Chaos {key}
limits: {{call: 1m, unknown: 1h}}
accept:
  R1-two-texts-a-day: what is planned far ahead is there to be halted
  R7-same-message: what it says does not matter
steps:
  - id: first
    at: {{after: {after}s, window: at_once}}
    touches:
      - {{channel: sms, template: hello}}
      - {{channel: voice, template: ring, delay: {delay}s}}
{second}
end: {{wait: 1h}}
templates:
  hello:
    text: >-
      Hi {{{{ person.first_name | default: "there" }}}}, thank you for asking about
      {{{{ lead.need | default: "our service" }}}}.
      Is tomorrow good for a call? Reply STOP to opt out.
  ring:
    text: >-
      Hello, you asked us about {{{{ lead.need | default: "our service" }}}}. Call us back.
    voicemail: >-
      Hello, about {{{{ lead.need | default: "our service" }}}}. Please call us back.
"""
# Caps move it to tomorrow, so what is planned far ahead is there to be halted and kept.
_SECOND = """
  - id: second
    at: {after: 60s, window: at_once}
    touches:
      - {channel: sms, template: hello}
"""
SOON = (0, 4, 15, 40)
TWICE = ("twice-a", "twice-b")
STOP = "STOP"
REPLIES = (
    "Yes, I am interested, please call me",
    "How much would that cost?",
    "I am not interested",
    "We already hired somebody else",
)


def documents() -> dict[str, str]:
    """The sequences by key: waits of several lengths, and a pair whose caps collide."""
    found = {}
    for number, after in enumerate(SOON):
        key = f"soon-{after}"
        second = _SECOND if number % 2 else ""
        found[key] = _DOCUMENT.format(key=key, after=after, delay=6, second=second)
    for key in TWICE:
        found[key] = _DOCUMENT.format(key=key, after=15, delay=3, second="")
    return found


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who asks, as they will be posted, and what they will do."""

    number: int
    kind: LeadKind
    phone: str
    place: Place
    sequence: str
    answers: str | None = None
    answers_after: float = 0.0

    @property
    def body(self) -> dict[str, object]:
        """The lead."""
        return {
            "first_name": "Robin",
            "phone": self.phone,
            "country": self.place.country,
            "state": self.place.state,
            "postal_code": self.place.postal_code,
            "source": "web_form",
            "need": "a new roof",
            "consent": True,
            "sequence": self.sequence,
        }


def people(random: Random, *, now: datetime) -> Iterator[Person]:
    """People without end: most in a place that is open, some where it is night.

    Some say STOP, at a moment that has nothing to do with their touches; whoever
    answers a touch does so when it comes (`Load`).
    """
    number = 0
    opened, closed = places(now)
    while True:
        number += 1
        kind: LeadKind = random.choices(("steady", "capped", "quiet"), weights=(76, 17, 7))[0]
        place = _place(closed if kind == "quiet" else opened, number)
        sequence = TWICE[0] if kind == "capped" else f"soon-{random.choice(SOON)}"
        stops = random.random() < 0.06
        yield Person(
            number,
            kind,
            str(place.phone),
            place,
            sequence,
            answers=STOP if stops else None,
            answers_after=random.uniform(0, 25),
        )


def first_person(now: datetime) -> Person:
    """Somebody to be texted at once, before anything is injured."""
    place = _place(places(now)[0], 0)
    return Person(0, "steady", str(place.phone), place, f"soon-{SOON[0]}")


Where = tuple[str, str | None, str | None, str]


def places(now: datetime) -> tuple[Where, Where]:
    """One place that is open for the whole run, and one that is closed for all of it."""
    opened = [place for place in PLACES if all(_open(place, now, n) for n in (0, 1))]
    closed = [place for place in PLACES if not any(_open(place, now, n) for n in (0, 1))]
    if not opened or not closed:
        raise RuntimeError(f"nowhere is open, or closed, for long enough at {now:%A %H:%M} UTC")
    return opened[0], closed[0]


def _open(place: Where, now: datetime, part: int) -> bool:
    where = whereabouts(_place(place, 1))
    # Open means open throughout; closed means closed at both ends.
    if part == 0:
        return all(
            quiet_hours(channel, where=where, now=now, span=LONGEST_RUN).allowed
            for channel in ("sms", "voice")
        )
    return any(
        quiet_hours(channel, where=where, now=now + LONGEST_RUN).allowed
        for channel in ("sms", "voice")
    )


def _place(where: Where, number: int) -> Place:
    country, state, postal, prefix = where
    digits = 7 if prefix.startswith("+1") else 8
    phone = f"{prefix}{number + 2 * 10 ** (digits - 1)}"
    return Place(country=country, state=state, postal_code=postal, phone=phone)
