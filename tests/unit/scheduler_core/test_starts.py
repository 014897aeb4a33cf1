from datetime import UTC, datetime
from decimal import Decimal

import pytest

from followup_scheduler.core.calendar import calendar_json, calendar_text
from followup_scheduler.core.differences import differences
from followup_scheduler.core.document import from_json, json_schema, parse, to_json
from followup_scheduler.core.errors import BadDocument
from followup_scheduler.core.format.start import asked
from followup_scheduler.core.simulate import simulate
from followup_scheduler.imagined import ImaginedLead
from followup_scheduler.lint.linter import lint

REST = """
name: Whoever has booked
steps:
  - id: hello
    at: {after: 0m, window: at_once}
    touches: [{channel: sms, template: hello}]
templates:
  hello: {text: 'Hi {{ person.first_name | default: "there" }}, shall we? Reply STOP to end.'}
"""
BOOKED = "- {event: appointment.booked}"
VALUABLE = "- {event: lead.converted, when: {fact: {name: deal.value, above: 1000}}}"
START = datetime(2026, 3, 2, 15, tzinfo=UTC)


def document(*starts, anchor="enrolled"):
    lines = "\n".join(f"  {start}" for start in starts)
    written = f"starts:\n{lines}\n" if starts else ""
    return f"format: 1\nkey: booked\nanchor: {anchor}\n{written}{REST}"


def test_a_document_says_by_which_events_leads_enter():
    """Kept with the version, in the published schema, and in words where versions differ."""
    before, after = parse(document()), parse(document(BOOKED, VALUABLE))
    assert before.starts == ()
    assert [start.event for start in after.starts] == ["appointment.booked", "lead.converted"]
    assert from_json(to_json(after)) == after
    assert "starts" in json_schema()["properties"]
    (said,) = differences(before, after)
    assert said.startswith('starts is event "appointment.booked", event "lead.converted" when')
    (said,) = differences(after, before)
    assert said.startswith("starts is gone; it was event ")


def test_several_starts_by_one_event_are_several_ways_in():
    """One without a condition lets everybody in."""
    one = parse(document(VALUABLE)).starts
    assert asked(one, "appointment.booked") is None
    assert asked(one, "lead.converted") == (one[0].when,)
    both = parse(document(VALUABLE, "- {event: lead.converted}")).starts
    assert asked(both, "lead.converted") == ()
    referred = "- {event: lead.converted, when: {source: [referral]}}"
    assert len(asked(parse(document(VALUABLE, referred)).starts, "lead.converted")) == 2


@pytest.mark.parametrize(
    ("start", "path"),
    [
        ("- {event: reply.interested}", "/starts/0/event"),
        ("- {event: appointment.booked, at: now}", "/starts/0/at"),
        (
            "- {event: appointment.booked, when: {outcome: {of: hello, is: sent}}}",
            "/starts/0/when",
        ),
    ],
)
def test_what_cannot_start_anything_is_refused(start, path):
    """No event of the product, an unknown field, or a question about the run to be."""
    with pytest.raises(BadDocument) as refused:
        parse(document(start))
    assert path in [fault.path for fault in refused.value.errors]


@pytest.mark.parametrize(
    ("start", "anchor"),
    [
        ("- {event: appointment.booked, when: {replied: true}}", "enrolled"),
        ("- {event: appointment.booked, when: {tried: sms}}", "enrolled"),
        ("- {event: appointment.cancelled}", "appointment.starts_at"),
    ],
)
def test_lint_finds_starts_that_come_to_nothing(start, anchor):
    """Nobody has been written to, and nothing is left to count from."""
    found = [finding for finding in lint(document(start, anchor=anchor)) if "U2" in finding.rule]
    assert [finding.path.startswith("/starts/0") for finding in found] == [True]


@pytest.mark.parametrize(
    ("worth", "starts"),
    [(Decimal(2000), ["appointment.booked", "lead.converted"]), (None, ["appointment.booked"])],
)
def test_a_simulation_tells_what_lets_the_lead_in(worth, starts):
    """As far as what is known of the lead meets what the document asks."""
    lead = ImaginedLead(state="NY", postal_code="10001", value=worth)
    played = simulate(parse(document(BOOKED, VALUABLE)), lead.facts(), start=START)
    assert calendar_json(played)["starts"] == starts
    assert f"upon {' or '.join(starts)}\n" in calendar_text(played)
    without = simulate(parse(document()), lead.facts(), start=START)
    assert calendar_json(without)["starts"] == []
