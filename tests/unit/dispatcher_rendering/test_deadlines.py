"""R10 at the last look: what hurries goes only while its date is ahead."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from processor import work

from followup_dispatcher.providers.port import Content
from followup_dispatcher.rendering.deadlines import Instant, overdue
from followup_dispatcher.rendering.errors import Overdue
from followup_dispatcher.rendering.renderer import Renderer
from followup_policy.phrases import phrases
from followup_policy.zones import Whereabouts

NOON = datetime(2026, 3, 10, 16, tzinfo=UTC)
"""Noon in New York, nine in the morning in Los Angeles."""
NEW_YORK = frozenset({"America/New_York"})
BOTH = frozenset({"America/New_York", "America/Los_Angeles"})
ENDS = '{{ lead.attributes.ends | date: "%B %-d" }}'
HELD = f"The price is held until {ENDS}."


def late(text, *, ends, now=NOON, zones=NEW_YORK, channel="sms", need="a roof", **more):
    """Whether the message hurries too late."""
    attributes = {"ends": ends, "visited": "2026-03-01", **more.pop("attributes", {})}
    lead = {"attributes": attributes, "need": need}
    variables = {"lead": lead, "person": {"first_name": "Dana"}}
    body = {"text": text, **more}
    content = Renderer().render(body, variables, channel=channel, hash="h")
    assert isinstance(content, Content)
    found = overdue(body, content, variables, Instant(now, Whereabouts(zones, frozenset())))
    return found is not None


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
        ("9999-12-31", True),  # nothing ends then, nor is it over
    ],
)
def test_a_message_that_hurries_goes_while_its_date_is_ahead(ends, ahead):
    """Days count until they are over where the person is, moments until they have come."""
    assert late(f"Hi {{{{ person.first_name }}}}! {HELD} Shall we?", ends=ends) is not ahead


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
    assert late(text, ends=ends) is not ahead


def test_another_date_close_by_excuses_nothing():
    """The next visit is ahead, the deadline is not."""
    text = f"We come on {{{{ lead.attributes.next | date: '%-d %B' }}}}. {HELD}"
    assert late(text, ends="2026-03-05", attributes={"next": "2026-03-20"})


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
    assert not late(text, ends="2026-03-05")


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
    assert not late(text, ends="2026-03-20", channel="email", **message)
    assert late(text, ends="2026-03-05", channel="email", **message)


def test_a_voicemail_is_looked_at_too():
    """What is said to a machine stays there."""
    said = {"voicemail": f"Hello. {HELD} Call us back.", "channel": "voice"}
    assert not late("Hello, it is Ray.", ends="2026-03-20", **said)
    assert late("Hello, it is Ray.", ends="2026-03-05", **said)


@pytest.mark.parametrize(("ends", "ahead"), [("2026-03-20", True), ("2026-03-05", False)])
def test_a_message_of_the_greatest_length_is_judged_by_its_date(ends, ahead):
    """Marks have room of their own."""
    many = f"{{% for i in (1..99) %}}{'x' * 2_005}{ENDS}{{% endfor %}}"
    html = f"<p>{HELD}</p>{many}"
    message = {"subject": "Your quote", "html": html, "channel": "email"}
    assert late("Shall we?", ends=ends, **message) is not ahead


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
    assert late(HELD, ends=ends.isoformat(), now=now, zones=zones) == (today > ends)


def test_what_was_found_quotes_nobody():
    """A phrase has room for a word, and that word may be anybody's: it is kept nowhere."""
    body = {"text": f"We hold your {{{{ lead.need }}}} price until {ENDS}."}
    variables = {"lead": {"need": "botox", "attributes": {"ends": "2026-03-05"}}}
    content = Content(text="We hold your botox price until March 5.")
    found = overdue(body, content, variables, Instant(NOON, Whereabouts(NEW_YORK, frozenset())))
    assert found == Overdue("words that hurry, to a date that has passed")


QUOTED = "You wrote “{{ lead.need }}”, and came on {{ lead.attributes.visited | date: '%-d %B' }}."


@pytest.mark.parametrize(
    "text",
    [
        QUOTED,
        f"{{% capture said %}}{QUOTED}{{% endcapture %}}{{{{ said }}}}",
        f"{{% capture said %}}{QUOTED}{{% endcapture %}}{{{{ said | upcase }}}}",
        QUOTED.replace("{{ lead.need }}", "{% echo lead.need %}"),
        QUOTED.replace("{{ lead.need }}", "{% cycle lead.need, 'no' %}"),
        "Act {{ person.first_name }} now? You came on {{ lead.attributes.visited | date }}.",
    ],
)
def test_what_a_value_says_hurries_nobody(text):
    """A lead in a hurry is quoted; words around a value do not come to stand together."""
    assert not late(text, ends="2026-03-20", need="please hurry, last chance")


def test_nobody_can_write_the_marks():
    """Not in a form, to be taken for a date, nor to have what follows taken for a value."""
    marks = "\U00100000{}\U00100001\U00100002 \U00100000\U00100002"
    for need, ends in (
        (marks.format("2026-03-05"), "2026-03-20"),
        (marks.format(""), "2026-03-05"),
    ):
        assert late(f"{{{{ lead.need }}}} {HELD}", ends=ends, need=need) is (ends < "2026-03-10")


def test_what_is_captured_is_the_templates_own():
    """As written; once a filter changed it nobody can tell whose words it has."""
    captured = f"{{% capture offer %}}{HELD}{{% endcapture %}}"
    branch = '{% if offer == "The price is held until March 5." %}{{ offer }}{% endif %}'
    assert late(captured + branch + "Hi", ends="2026-03-05")
    assert not late(captured + "{{ offer | upcase }}", ends="2026-03-05")


@pytest.mark.parametrize(
    "value",
    [
        "{{ lead.attributes.ends | date: '%Y-%m-%d' | date: '%B %-d' }}",
        "{{ lead.attributes.ends | date: '%B %-d' | upcase }}",
        "{{ 'the end of ' | append: day }}",
        "{{ day }}",
        "{{ lead.attributes.none | default: day }}",
        "{% if day == 'March 20' or day == 'March 5' %}{{ day }}{% endif %}",
    ],
)
@pytest.mark.parametrize(("ends", "ahead"), [("2026-03-20", True), ("2026-03-05", False)])
@pytest.mark.parametrize("part", ["text", "html"])
def test_a_date_stays_one_on_its_way_through_a_template(value, ends, ahead, part):
    """Assigned, compared, or put through filters, whether `date` again or another."""
    day = "{% assign day = lead.attributes.ends | date: '%B %-d' %}"
    said = {"subject": "News", "text": "Hi", part: f"{day}The price is held until {value}."}
    assert late(said.pop("text"), ends=ends, channel="email", **said) is not ahead


@pytest.mark.parametrize(
    "named",
    [
        "Call 0800-12-34-56.",
        "Call 2026-03-05-77.",
        "See https://example.com/2026-03-05/offer.",
        "See https://example.com/?of={{ lead.attributes.visited }} now.",
        "Call {{ lead.attributes.phone }}.",
        "Your number is {{ lead.attributes.number }}.",
        "We are open since 2026-03-05.",
    ],
)
def test_only_a_value_that_is_a_date_is_one(named):
    """Not a telephone number, an address of a page, or what a template says by itself."""
    known = {"phone": "0800-12-34-56", "number": "0800-12-34"}
    assert not late(f"Last chance! {named}", ends="2026-03-20", attributes=known)


@pytest.mark.parametrize("form", ["'%B'", "'%B %Y'", "'%m/%y', 'America/New_York'", "'%%d of %B'"])
def test_a_date_that_does_not_name_its_day_has_not_surely_passed(form):
    """A price that is held until March is held in March, for all that anybody can tell."""
    text = f"The price is held until {{{{ lead.attributes.ends | date: {form} }}}}."
    assert not late(text, ends="2026-03-05")


@pytest.mark.parametrize(
    ("ends", "form", "ahead"),
    [
        ("2026-03-10T00:00:00-04:00", "'%B %-d'", True),
        ("2026-03-10T00:00:00Z", "'%B %-d'", True),
        ("2026-03-10T00:00:00Z", "'%B %-d', 'America/New_York'", True),
        ("2026-03-10T04:00:00Z", "'%B %-d', 'America/New_York'", True),
        ("2026-03-10T00:00:00", "'%B %-d'", True),
        ("2026-03-09T00:00:00-04:00", "'%B %-d'", False),
        ("2026-03-10T00:00:00-04:00", "'%B %-d, %H:%M'", False),
    ],
)
@pytest.mark.parametrize("zones", [NEW_YORK, BOTH, frozenset({"Pacific/Honolulu"})])
def test_a_midnight_shown_without_its_hour_is_a_day(ends, form, ahead, zones):
    """Data often has days so; the day counts on the person's clock, whatever the offset."""
    text = f"The price is held until {{{{ lead.attributes.ends | date: {form} }}}}."
    assert late(text, ends=ends, zones=zones) is not ahead


HOSTILE = "a deadline " * 18_000
ORDINARY = ("a new roof. " * 18_000)[: len(HOSTILE)]


def _cost(look):
    """The least of three, for others may be at work beside it."""
    spent = []
    for _ in range(3):
        with work() as cost:
            look()
        spent.append(cost.seconds)
    return min(spent)


def test_a_hostile_text_costs_what_an_ordinary_one_does():
    """Phrases do not look through the rest of a text from each place where they may begin."""
    found = phrases("urgent").found_in
    assert _cost(lambda: list(found(HOSTILE))) < 10 * _cost(lambda: list(found(ORDINARY)))


@pytest.mark.parametrize("hostile", [HOSTILE, "deadline. " * 19_800])
def test_a_hostile_message_costs_what_an_ordinary_one_does(hostile):
    """The dates of a sentence are held against the clock once, not for each of its phrases."""
    instant = Instant(NOON, Whereabouts(NEW_YORK, frozenset()))
    variables = {"lead": {"attributes": {"ends": "2026-03-20"}}}

    def cost(words):
        html = f"{words[:190_000]} {ENDS}"
        content = Content(text="Hi", html=html)
        return _cost(lambda: overdue({"html": html}, content, variables, instant))

    assert cost(hostile) < 10 * cost(ORDINARY)


def test_the_date_of_a_sentence_that_is_too_long_counts():
    """What is not looked through for phrases has its dates nevertheless."""
    text = f"Last chance {'and more ' * 400}until {ENDS}."
    assert not late("Hi", ends="2026-03-20", channel="email", subject="News", html=text)
    assert late("Hi", ends="2026-03-05", channel="email", subject="News", html=text)
