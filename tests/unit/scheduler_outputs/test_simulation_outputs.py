"""Simulations as iCalendar, picture and page, and what many of them add up to."""

import json
import pickle
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup_contracts.channels import CHANNELS
from followup_scheduler.core.errors import BadDocument, Fault
from followup_scheduler.core.library import library, load
from followup_scheduler.core.simulation import Simulation
from followup_scheduler.imagined import Play
from followup_scheduler.outputs.crowd import Crowd, crowd_text
from followup_scheduler.outputs.drain import drain, rate
from followup_scheduler.outputs.icalendar import icalendar
from followup_scheduler.outputs.page import page
from followup_scheduler.outputs.picture import svg

START = datetime(2026, 11, 2, 15, 0, tzinfo=UTC)
LEAD = {
    "state": "NY",
    "phone": "+12125550100",
    "attributes": {
        "birthday": "1990-02-28",
        "customer_since": "2024-12-01",
        "appointment": {
            "starts_at": "2026-11-10T15:00:00-05:00",
            "completed_at": "2026-11-10T16:00:00-05:00",
            "state": "booked",
        },
        "quote_sent_at": "2026-11-03T10:00:00-05:00",
        "quote_valid_until": "2026-11-30",
        "offer_ends": "2026-11-30",
    },
}


def play(key: str, **more: object) -> Simulation:
    return Play.model_validate({"lead": LEAD, **more}).of(load(key), now=START)


def unfolded(text: str) -> list[str]:
    return text.replace("\r\n ", "").split("\r\n")


@pytest.mark.parametrize("key", sorted(library()))
def test_every_sequence_of_the_library_can_be_played_and_shown(key: str) -> None:
    """For a lead of whom everything is known it contacts, or leads on; and draws well-formed."""
    played = play(key)
    assert played.touches or played.enters
    ET.fromstring(svg(played))  # noqa: S314 - our own picture
    assert page(played).startswith("<!DOCTYPE html>")
    assert icalendar(played).count("BEGIN:VEVENT") == len(played.touches)


def test_a_calendar_has_an_event_for_each_touch_in_utc() -> None:
    """Lines end as RFC 5545 wants, none is longer than 75 octets."""
    text = icalendar(play("d1"))
    lines = unfolded(text)
    assert max(len(line.encode()) for line in text.split("\r\n")) <= 75
    assert lines[0] == "BEGIN:VCALENDAR"
    assert lines.count("BEGIN:VEVENT") == 7
    assert "DTSTART:20261102T150000Z" in lines
    assert "SUMMARY:sms: hello (day-0)" in lines
    uids = [line for line in lines if line.startswith("UID:")]
    assert len(uids) == len(set(uids))


def test_a_calendar_shows_what_a_reply_cancelled() -> None:
    """A what-if leaves cancelled events behind, and its task."""
    lines = unfolded(icalendar(play("d1", when=["day-0: reply.interested after 2h"])))
    assert "STATUS:CANCELLED" in lines
    assert "BEGIN:VTODO" in lines


def test_the_picture_has_a_mark_for_each_touch_in_the_lane_of_its_channel() -> None:
    """Marks lie in the order of time; what is told is escaped."""
    played = play("d1")
    root = ET.fromstring(svg(played))  # noqa: S314 - our own picture
    space = "{http://www.w3.org/2000/svg}"
    assert len(root.findall(f"{space}circle")) == len(played.touches)
    lanes = [t.text for t in root.findall(f"{space}text") if t.text in CHANNELS]
    assert sorted(lanes) == ["email", "sms", "voice"]


def test_the_page_names_local_times_and_reasons() -> None:
    """Everything on it stands in the calendar, too."""
    played = play("d1")
    text = page(played)
    assert all(touch.template in text for touch in played.touches)
    assert "R12: moved to a preferred time." in text
    assert "<script" not in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sms=10/s", ("sms", 10.0)),
        ("email=600/m", ("email", 10.0)),
        ("voice=1/h", ("voice", 1 / 3600)),
    ],
)
def test_rates_are_read_in_any_unit(text: str, expected: tuple[str, float]) -> None:
    """Units a second."""
    assert rate(text) == expected


@pytest.mark.parametrize("text", ["sms", "fax=1/s", "sms=0/s", "sms=-1/s", "sms=1/w", "sms=1e9/s"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    """With how to write one, or why."""
    with pytest.raises(ValueError, match=r"write|nothing"):
        rate(text)


@given(
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(1, 4)), min_size=1, max_size=50),
    st.floats(0.01, 100),
)
def test_a_queue_empties_no_sooner_than_its_work_allows(
    due: list[tuple[int, int]], speed: float
) -> None:
    """Never before the last is due and sent, never busier than the units need."""
    moments = [("sms", START + timedelta(seconds=at), units) for at, units in due]
    (found,) = drain(moments, {"sms": speed})
    last = max(at for _, at, _ in moments)
    assert found.emptied_at > last
    work = timedelta(seconds=sum(units for _, units in due) / speed)
    assert abs(found.busy - work) < timedelta(milliseconds=1)
    assert timedelta(0) <= found.latest <= work + timedelta(milliseconds=1)
    first = min(at for _, at, _ in moments)
    assert found.emptied_at <= last + work + timedelta(milliseconds=1)
    assert found.emptied_at >= first + work - timedelta(milliseconds=1)


def test_a_crowd_is_added_up() -> None:
    """Ten leads alike are ten times one, and a slow channel takes its time."""
    crowd = Crowd(load("d1"))
    crowd.add(play("d1"), times=10)
    told = crowd.told({"sms": 1 / 60})
    assert (told["leads"], told["touches"]) == (10, 70)
    assert told["channels"] == {"sms": 30, "email": 20, "voice": 20}
    (slow,) = told["drain"]
    assert slow["units"] > slow["touches"]  # texts of two segments
    assert slow["busy"] == pytest.approx(slow["units"] * 60)
    assert "10 leads" in crowd_text(told)


def test_crowds_that_join_are_the_whole_crowd() -> None:
    """Counted in two halves it is told as counted at once, in the same order."""
    plays = [play("d1"), play("d1", lead=LEAD | {"state": "CA"}), play("d1", failed=["day-0"])]
    whole, first, second = Crowd(load("d1")), Crowd(load("d1")), Crowd(load("d1"))
    for each in plays:
        whole.add(each, times=2)
    first.add(plays[0], times=2)
    for each in plays[1:]:
        second.add(each, times=2)
    first.join(second)
    assert json.dumps(first.told({"sms": 1.0})) == json.dumps(whole.told({"sms": 1.0}))


def test_leads_alike_are_told_by_what_decides() -> None:
    """Another phone of the same place goes the same way, another state or consent does not."""
    document = load("d1")
    base = Play.model_validate({"lead": LEAD})
    neighbour = Play.model_validate({"lead": LEAD | {"phone": "+12125550199"}})
    away = Play.model_validate({"lead": LEAD | {"state": "CA"}})
    silent = Play.model_validate({"lead": LEAD | {"consent": "no"}})
    assert base.likeness(document) == neighbour.likeness(document)
    assert len({each.likeness(document) for each in (base, away, silent)}) == 3


@pytest.mark.parametrize("key", sorted(library()))
def test_what_a_document_does_not_look_at_changes_no_calendar(key: str) -> None:
    """A lead of whom no more is known than the document looks at goes the same way, and is alike.

    One of whom something is not known that it looks at is not.
    """
    document = load(key)
    seen = {
        name: LEAD["attributes"][name] for name in LEAD["attributes"] if name in document.looks_at
    }
    knowing = Play.model_validate({"lead": LEAD})
    seeing = Play.model_validate({"lead": LEAD | {"attributes": seen}})
    assert knowing.likeness(document) == seeing.likeness(document)
    assert knowing.of(document, now=START) == seeing.of(document, now=START)
    for name in seen:
        less = {other: value for other, value in seen.items() if other != name}
        blind = Play.model_validate({"lead": LEAD | {"attributes": less}})
        assert blind.likeness(document) != seeing.likeness(document)


def test_a_bad_document_is_told_across_processes() -> None:
    """What was found out in one process says the same in another."""
    error = BadDocument([Fault(3, "/steps", "has none", "write one")], file="mine.yaml")
    told = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert (str(told), told.errors, told.file) == (str(error), error.errors, "mine.yaml")
