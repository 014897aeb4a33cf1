"""Every element of the format is read, kept and checked."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from followup_scheduler.core.document import from_json, json_schema, parse, to_json
from followup_scheduler.core.errors import BadDocument
from followup_scheduler.core.format.reaction import TRIGGERS

PAGE = Path(__file__).parents[3] / "docs/reference/sequence-format.md"
SCHEMA = PAGE.with_name("sequence.schema.json")

EVERYTHING = """
format: 1
key: all
name: Everything
anchor: appointment.starts_at
transactional: true
repeat: {every: month, on: 31, until: 2030-12-31}
priority: 80
reenroll: {after: 90d}
caps: [{touches: 3, per: 7d, channel: sms}]
steps:
  - id: evening-before
    at: {days_before: 1, time: "18:00"}
    touches:
      - channel: {first_of: [sms, email]}
        template: {sms: short, email: {variants: [{use: long, weight: 3}, {use: longer}]}}
        approval: {within: 4h, otherwise: send}
        draft: model
  - id: ask
    at: {after: 2h, from: appointment.completed_at, window: {from: "09:00", to: "17:00"}}
    when: {not: {replied: true}}
    task:
      kind: call_them
      title: Ask how it was
      within: 4h
      remind: 1h
      outcomes:
        reached: {do: halt, reason: reached}
        no_answer: {do: branch, to: other}
  - id: which
    branch:
      - {when: {any: [{fact: {name: deal.value, above: 1000}}, {source: [referral]}]}, go: over}
      - {go: other}
  - id: over
    hand_over: vip
    next: end
  - id: other
    touches:
      - {channel: {other_than: previous}, template: {sms: {rotate: [short, shorter]}, email: long}}
  - id: answer
    wait: {for: [reply.interested, call.answered], at_most: 3d, timed_out: away}
  - id: away
    switch: b2
on:
  interested: {do: branch, to: over}
  call.voicemail_left: {do: go_on}
  deal.stage_changed:
    - {when: {fact: {name: deal.stage, is: lost}}, do: halt}
    - {do: go_on}
end: {then: a2}
templates:
  short: {text: Hi}
  shorter: {text: Yo}
  long: {subject: A, text: Hello}
  longer: {subjects: [A, B], text: Hello there}
"""


def faults(change: str, to: str) -> list[tuple[str, str]]:
    assert change in EVERYTHING
    with pytest.raises(BadDocument) as caught:
        parse(EVERYTHING.replace(change, to))
    assert all(fault.line for fault in caught.value.errors)
    return [(fault.path, str(fault)) for fault in caught.value.errors]


def test_a_document_with_every_element_comes_back_from_json() -> None:
    """What is stored is what was read, and the published schema accepts both."""
    sequence = parse(EVERYTHING)
    stored = to_json(sequence)
    assert from_json(json.loads(json.dumps(stored))) == sequence
    jsonschema.validate(stored, json_schema())


def test_subjects_are_kept_as_texts_of_their_own() -> None:
    """Each subject of a comparison goes out as a text with that subject."""
    contents = parse(EVERYTHING).contents()
    assert contents["email", "longer~2"].subject == "B"
    assert {name for _, name in contents} == {"short", "shorter", "long", "longer~1", "longer~2"}


@pytest.mark.parametrize(
    ("change", "to", "path", "says"),
    [
        ("go: over}", "go: evening-before}", "/steps/2", "not a later step"),
        ("{go: other}", "{go: othr}", "/steps/2", "did you mean other?"),
        ("next: end", "next: which", "/steps/3", "not a later step"),
        ("to: over}", "to: ovr}", "/on/interested/to", "did you mean over?"),
        ("call.voicemail_left", "reply.interested", "/on/reply.interested", "twice"),
        ("call.voicemail_left", "call.voicemail", "/on/call.voicemail", "did you mean"),
        ("{do: branch, to: over}", "{do: branch}", "/on/interested", "name where to"),
        ("{first_of: [sms, email]}", "{first_of: [sms], best: [sms]}",
         "/steps/0/touches/0/channel", "write one of"),
        ("other_than: previous", "other_than: nowhere", "/steps/4/touches/0", "no step before"),
        ("at_most: 3d, ", "", "/steps/5/wait/at_most", "is missing"),
        ('"18:00"', '"6pm"', "/steps/0/at/time", "no time of day"),
        ("days_before: 1, ", "days_before: 1, day: 2, ", "/steps/0/at", "write either"),
        ("every: month", "every: fortnight", "/repeat/every", "write day, week"),
        ("every: month", "every: 30d", "/repeat", "day of the month goes with"),
        ("{name: deal.value, above: 1000}", "{name: deal.value}",
         "/steps/2/branch/0/when/any/0/fact", "write is"),
        ("switch: b2", "swich: b2", "/steps/6/swich", "did you mean switch?"),
        ("id: answer", "id: end", "/steps/5/id", "means something else"),
        ("subjects: [A, B]", "subject: C, subjects: [A, B]", "/templates/longer", "either subject"),
        ("sms: short, email: {", "sms: long, email: {", "/templates/long", "an SMS has no subject"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_element_is_named(change: str, to: str, path: str, says: str) -> None:
    """Every fault has its place, and a suggestion where one is near."""
    found = faults(change, to)
    assert any(where.startswith(path) and says in what for where, what in found), found


def test_the_page_has_every_trigger_and_field() -> None:
    """Nothing of the format is left out of its reference."""
    text = PAGE.read_text(encoding="utf-8")
    definitions: dict[str, Any] = json_schema()["$defs"]
    fields = {field for shape in definitions.values() for field in shape.get("properties", {})}
    assert not {field for field in fields if field not in text}
    kinds = {name.partition(".")[0] for name in TRIGGERS if "." in name}
    assert not {kind for kind in kinds if f"{kind}." not in text}


def test_the_published_schema_is_that_of_the_code() -> None:
    """Editors check documents as the reader does."""
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == json_schema()
