"""R10 at the last look: what hurries goes only while its date is ahead."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup_dispatcher.providers.port import Content
from followup_dispatcher.rendering.deadlines import Instant, overdue
from followup_dispatcher.rendering.errors import Overdue
from followup_dispatcher.rendering.renderer import Renderer
from followup_policy.zones import Whereabouts

NOON = datetime(2026, 3, 10, 16, tzinfo=UTC)
"""Noon in New York, nine in the morning in Los Angeles."""
NEW_YORK = frozenset({"America/New_York"})
BOTH = frozenset({"America/New_York", "America/Los_Angeles"})
ENDS = '{{ lead.attributes.ends | date: "%B %-d" }}'
HELD = f"The price is held until {ENDS}."


def late(text, *, ends, now=NOON, zones=NEW_YORK, channel="sms", **more):
    """What the message hurries with too late, or None."""
    attributes = {"ends": ends, "visited": "2026-03-01", **more.pop("attributes", {})}
    variables = {"lead": {"attributes": attributes}, "person": {"first_name": "Dana"}}
    body = {"text": text, **more}
    content = Renderer().render(body, variables, channel=channel, hash="h")
    assert isinstance(content, Content)
    found = overdue(body, content, variables, Instant(now, Whereabouts(zones, frozenset())))
    return None if found is None else found.phrase


@pytest.mark.parametrize(
    ("ends", "ahead"),
    [
        ("2026-03-11", True),
        ("2026-03-10", True),  # the day is not over
        ("2026-03-09", False),
        ("2026-03-10T13:00:00-04:00", True),
        ("2026-03-10T12:00:30-04:00", False),  # over before it has gone out
        ("2026-03-10T11:00:00-04:00", False),
        ("2026-03-10T13:00:00", True),  # on the person's clock
        ("2026-03-10T11:00:00", False),
        ("9999-12-31", False),  # nothing ends then
    ],
)
def test_a_message_that_hurries_goes_while_its_date_is_ahead(ends, ahead):
    """Days count until they are over where the person is, moments until they have come."""
    assert late(f"Hi {{{{ person.first_name }}}}! {HELD} Shall we?", ends=ends) == (
        None if ahead else "price is held until"
    )


@pytest.mark.parametrize(
    "text",
    [
        f"Last chance! {HELD}",  # the date stands beside it
        f"Your visit was on {{{{ lead.attributes.visited | date: '%-d %B' }}}}. {HELD}",
        f"{{% assign day = lead.attributes.ends | date: '%-d %B' %}}{HELD} Really: {{{{ day }}}}.",
        "The price is held until {{ lead.attributes.ends }}.",  # as data has it
        f"As on {{{{ lead.attributes.visited | date: '%-d %B' }}}} the price is held until {ENDS}.",
    ],
)
@pytest.mark.parametrize(("ends", "ahead"), [("2026-03-20", True), ("2026-03-05", False)])
def test_the_date_beside_what_hurries_counts(text, ends, ahead):
    """Its own sentence's, else its neighbours'; one that is ahead is enough."""
    assert (late(text, ends=ends) is None) is ahead


def test_another_date_close_by_excuses_nothing():
    """The next visit is ahead, the deadline is not."""
    text = f"We come on {{{{ lead.attributes.next | date: '%-d %B' }}}}. {HELD}"
    assert late(text, ends="2026-03-05", attributes={"next": "2026-03-20"}) is not None


@pytest.mark.parametrize(
    "text",
    [
        "Your visit was on {{ lead.attributes.ends | date: '%-d %B' }}. How was it?",
        "No rush: the quote of {{ lead.attributes.ends | date: '%-d %B' }} still stands.",
        "Hi {{ person.first_name }}, shall we come and look?",
        "Last chance to say what you liked.",  # without a date it is lint's to find
    ],
)
def test_what_does_not_hurry_to_a_date_may_name_any(text):
    """A past date is no fault of its own."""
    assert late(text, ends="2026-03-05") is None


@pytest.mark.parametrize(
    "part",
    [
        {"subject": f"Last chance: {ENDS}"},
        {"subject": "News", "html": f"<p>Last&nbsp;chance</p><p>until <b>{ENDS}</b></p>"},
    ],
)
def test_every_part_that_is_read_is_looked_at(part):
    """Subject and HTML like the text."""
    message = {"subject": "Your quote", **part}
    text = "Shall we come and look?"
    assert late(text, ends="2026-03-20", channel="email", **message) is None
    assert late(text, ends="2026-03-05", channel="email", **message) is not None


def test_a_voicemail_is_looked_at_too():
    """What is said to a machine stays there."""
    said = {"voicemail": f"Hello. {HELD} Call us back.", "channel": "voice"}
    assert late("Hello, it is Ray.", ends="2026-03-20", **said) is None
    assert late("Hello, it is Ray.", ends="2026-03-05", **said) == "price is held until"


def test_marks_that_are_too_much_for_a_template_stop_it():
    """Not knowing means not sending: its dates could not be held against the clock."""
    many = f"{{% for i in (1..99) %}}{'x' * 2_005}{ENDS}{{% endfor %}}"
    html = f"<p>{HELD}</p>{many}"
    message = {"subject": "Your quote", "html": html, "channel": "email"}
    assert late("Shall we?", ends="2026-03-20", **message) == "price is held until"


@given(
    now=st.integers(0, 365 * 24 * 60).map(lambda minutes: NOON + timedelta(minutes=minutes)),
    days=st.integers(-3, 3),
    zones=st.sampled_from([NEW_YORK, BOTH, frozenset({"Pacific/Kiritimati"}), frozenset()]),
)
def test_a_day_counts_until_it_is_over_wherever_the_person_may_be(now, days, zones):
    """Held against each zone's own calendar, a minute from now; around clock changes too."""
    ends: date = now.date() + timedelta(days=days)
    going = now + timedelta(seconds=60)
    today = max(going.astimezone(ZoneInfo(zone)).date() for zone in zones or {"UTC"})
    assert (late(HELD, ends=ends.isoformat(), now=now, zones=zones) is None) == (today <= ends)


def test_what_was_found_names_the_templates_words_alone():
    """Nobody's data is in it."""
    body = {"text": HELD}
    variables = {"lead": {"attributes": {"ends": "2026-03-05"}}}
    content = Content(text="The price is held until March 5.")
    instant = Instant(NOON, Whereabouts(NEW_YORK, frozenset()))
    assert overdue(body, content, variables, instant) == Overdue("price is held until")
