from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from followup_embedded.demo import checker
from followup_embedded.demo.evidence import (
    Evidence,
    Fate,
    Human,
    PhoneCall,
    Sending,
    Silence,
    Word,
)

NOON = datetime(2026, 10, 27, 16, 0, tzinfo=UTC)  # Tuesday, twelve in New York
RUN = UUID(int=7)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def human(**changes) -> Human:
    known = Human(
        id=UUID(int=1),
        country="US",
        state="NY",
        postal_code="10001",
        phones=("+12125550123",),
        asked=True,
        words=(Word(NOON - DAY, "any", "yes"),),
    )
    return replace(known, **changes)


def sending(channel: str, at: datetime, step: str = "day-0", **changes) -> Sending:
    made = Sending(
        touch_id=uuid4(),
        enrollment_id=RUN,
        person_id=UUID(int=1),
        channel=channel,
        at=at,
        round=f"{RUN}:{step}.1",
        text="Hello",
    )
    return replace(made, **changes)


def rules(who: Human, *sendings: Sending, **more) -> set[str]:
    found = checker.violations(Evidence(sendings, [who], **more))
    return {violation.rule for violation in found}


def test_a_clean_ledger_breaks_nothing():
    """A round on two channels, a call the next morning, an e-mail two days on, a text: all well."""
    clean = (
        sending("sms", NOON),
        sending("email", NOON + HOUR),
        sending("voice", NOON + 22 * HOUR, "day-1"),
        sending("sms", NOON + 2 * DAY, "day-2"),
        sending("email", NOON + 4 * DAY, "day-4"),
        sending("voice", NOON + 7 * DAY + 3 * HOUR, "day-7"),
    )

    assert rules(human(), *clean) == set()


PLANTED = {
    "two texts on one day": ("R1", human(), [sending("sms", NOON), sending("sms", NOON + HOUR)]),
    "two e-mails within 48 hours": (
        "R2",
        human(),
        [sending("email", NOON), sending("email", NOON + 47 * HOUR, "day-2")],
    ),
    "two calls at the same time of day": (
        "R3",
        human(),
        [sending("voice", NOON, "day-1"), sending("voice", NOON + 7 * DAY + HOUR, "day-7")],
    ),
    "two rounds on one day": (
        "R6",
        human(),
        [sending("sms", NOON), sending("email", NOON + HOUR, "day-1")],
    ),
    "a text at night": ("R15", human(), [sending("sms", NOON - 6 * HOUR)]),
    "a call on a Sunday where there are none": (
        "R15",
        human(state="AL", postal_code="35203", phones=("+12055550174",)),
        [sending("voice", NOON + 5 * DAY)],
    ),
    "a text on a holiday": (
        "R15",
        human(state="RI", postal_code="02903", phones=("+14015550174",)),
        [sending("sms", datetime(2026, 11, 26, 17, tzinfo=UTC))],
    ),
    "a text too early where the phone comes from": (
        "R15",
        human(phones=("+13105550123",)),
        [sending("sms", NOON - 2 * HOUR)],
    ),
    "an hour too early in one half of a state with two clocks": (
        "R15",
        human(state="TN", postal_code=None, phones=("+18005550199",)),
        [sending("sms", NOON - 4 * HOUR + timedelta(minutes=30))],
    ),
    "a fourth contact in a day in Florida": (
        "R15",
        human(state="FL", postal_code="33101", phones=("+13055550123",)),
        [sending("voice", NOON + n * HOUR) for n in range(4)],
    ),
    "anything after a no": (
        "consent",
        human(words=(Word(NOON - DAY, "any", "no"),)),
        [sending("email", NOON)],
    ),
    "a call without a yes": ("consent", human(words=()), [sending("voice", NOON)]),
    "a text to Europe without a yes": (
        "consent",
        human(country="DE", state=None, postal_code="10115", phones=("+4930232550",), words=()),
        [sending("sms", NOON)],
    ),
    "a text to somebody who never asked": (
        "consent",
        human(asked=False, words=()),
        [sending("sms", NOON)],
    ),
    "a cold e-mail to Canada": (
        "consent",
        human(country="CA", state="ON", postal_code=None, phones=(), asked=False, words=()),
        [sending("email", NOON)],
    ),
    "a text about a voicemail nobody left": (
        "voicemail",
        human(),
        [sending("sms", NOON, text="I left you a voicemail about your roof.")],
    ),
    "a touch to nobody we know": ("nobody", human(id=UUID(int=2)), [sending("sms", NOON)]),
}


@pytest.mark.parametrize("planted", PLANTED.values(), ids=PLANTED)
def test_each_planted_violation_is_found(planted):
    """The rule that was broken is named, and no other."""
    rule, who, sendings = planted

    assert rules(who, *sendings) == {rule}


@pytest.mark.parametrize("channel", ["sms", "email", "voice"])
def test_whatever_begins_after_a_stop_is_found(channel):
    """A stop silences every channel, from its answer on."""
    stop = Silence(UUID(int=1), NOON, "stop")

    late = rules(human(), sending(channel, NOON + timedelta(seconds=1)), silences=[stop])
    before = rules(human(), sending(channel, NOON - timedelta(seconds=1)), silences=[stop])

    assert (late, before) == ({"stop"}, set())


def test_a_silence_with_an_end_ends():
    """Who asked for two weeks is owed two weeks."""
    rest = Silence(UUID(int=1), NOON - 2 * DAY, "not_now", NOON)

    assert rules(human(), sending("sms", NOON - HOUR), silences=[rest]) == {"stop"}
    assert rules(human(), sending("sms", NOON + HOUR), silences=[rest]) == set()


def test_a_voicemail_that_was_left_may_be_spoken_of():
    """Only a voicemail of the same run, left before the text, counts."""
    text = sending("sms", NOON, text="I left you a voicemail.")
    left = PhoneCall(RUN, "voicemail_left", NOON - DAY)

    assert rules(human(), text, calls=[left]) == set()
    for other in (
        replace(left, result="no_answer"),
        replace(left, at=NOON + HOUR),
        replace(left, enrollment_id=UUID(int=8)),
    ):
        assert rules(human(), text, calls=[other]) == {"voicemail"}


def test_what_a_person_said_last_before_the_touch_counts():
    """A yes to texts after a general no opens texts, and nothing else."""
    who = human(words=(Word(NOON - 2 * DAY, "any", "no"), Word(NOON - DAY, "sms", "yes")))

    assert rules(who, sending("sms", NOON)) == set()
    assert rules(who, sending("voice", NOON)) == {"consent"}


def test_entries_that_share_a_touch_are_counted():
    """Three entries of one touch are two too many."""
    one = sending("sms", NOON)

    assert checker.duplicates([one, one, one, sending("sms", NOON)]) == 2


def test_what_has_no_end_or_no_reason_is_lost():
    """An open touch, an ending without a reason, a forgotten lead, a dead letter."""
    well = [
        Fate("touch", uuid4(), "sent", None),
        Fate("touch", uuid4(), "skipped", "consent"),
        Fate("enrollment", uuid4(), "completed", "ran_through"),
        Fate("lead", uuid4(), "not enrolled", "followed up already"),
    ]
    bad = [
        Fate("touch", uuid4(), "commanded", None),
        Fate("touch", uuid4(), "planned", "waits"),
        Fate("touch", uuid4(), "unknown", "no answer"),
        Fate("touch", uuid4(), "skipped", None),
        Fate("enrollment", uuid4(), "active", None),
        Fate("enrollment", uuid4(), "held", None),
        Fate("lead", uuid4(), "forgotten", "captured"),
        Fate("message", uuid4(), "open", "error"),
    ]

    assert checker.lost([*well, *bad]) == bad
