"""Whole documents through the lint: lines, acceptance, what cannot be read, and real texts."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from followup_scheduler.core.library import library
from followup_scheduler.lint.findings import Finding
from followup_scheduler.lint.linter import has_errors, lint
from followup_scheduler.lint.registry import RULES
from followup_scheduler.lint.sarif import sarif

NAME = '{{ person.first_name | default: "there" }}'
DOCUMENT = """key: one
name: One
steps:
  - {id: first, at: {after: 0m, window: at_once}, touches: [{channel: email, template: mail}]}
templates:
  mail:
    subject: Your roof
    text: |
      Hi {{ person.first_name | default: "there" }},

      SAID

      Shall we come and look?
"""


def said(words: str) -> set[str]:
    """The rules that an e-mail with these words breaks."""
    return {f.rule for f in lint(DOCUMENT.replace("SAID", words))}


@pytest.mark.parametrize("key", sorted(library()))
def test_the_library_is_clean(key: str) -> None:
    """No error and no warning in any document that comes with the product."""
    assert lint(library()[key], file=f"{key}.yaml") == ()


def test_a_finding_names_the_line_on_which_its_words_stand() -> None:
    """Not the line where the text begins."""
    (found,) = lint(DOCUMENT.replace("SAID", "We are just checking in on the roof."))
    assert (found.rule, found.line, found.path) == ("R9-idle-phrase", 11, "/templates/mail/text")


@pytest.mark.parametrize(
    "words",
    [
        "I wanted to touch base about the roof.",
        "Just following up on my last e-mail.",
        "I\u2019m circling back on the offer.",
        "Bumping this to the top of your inbox.",
        "Any updates on the roof?",
        "Wanted to see where you are with this.",
        "Just a quick check-in from our side.",
        "Thought I'd check in.",
        "As per my last email, the roof is open.",
        "I hope this email finds you well.",
        "Just reaching out to see if you had a chance to look at it.",
        "Ich wollte nur kurz nachfragen.",
        "Je me permets de vous relancer.",
        "Solo quería saber si recibió el presupuesto.",
    ],
)
def test_relatives_of_checking_in_are_found(words: str) -> None:
    """R9, in whatever words."""
    assert "R9-idle-phrase" in said(words)


@pytest.mark.parametrize(
    "words",
    [
        "Check-in is from three o'clock, and the key is at the desk.",
        "You can check in online from tomorrow.",
        "Thank you for following up with us so quickly.",
        "Your follow-up appointment is on Monday.",
        "We will follow up with a price within a day.",
        "Our team is based in Boston, so a visit is easy.",
        "The update of your file is done.",
        "Did the quote arrive?",
        "We have not heard from you, so this is our last e-mail.",
        "There is no rush, and no deadline.",
        "Is it urgent, or can it wait?",
        "The price includes a limited warranty of ten years.",
        "In the last few days we finished two roofs in your street.",
        "The path ends at your door.",
        "You can call now or in the evening.",
        "Only a few people know that slate lasts a century.",
        "Time runs differently on a roof.",
        "Most visits take approx. 45 min. and cost $89.50, e.g. for a St. Paul home.",
        "1. Is it dry?\n      2. It is.",
    ],
)
def test_harmless_words_are_left_alone(words: str) -> None:
    """Hotels have a check-in, dentists follow up, and not every end is a deadline."""
    assert said(words) == set()


@pytest.mark.parametrize(
    "words",
    [
        "This offer expires soon.",
        "Hurry, dates are going fast.",
        "Only 3 spots left.",
        "It is a limited-time offer.",
        "Don\u2019t miss out.",
        "The price is held until Friday.",
        "Last chance to save.",
        'The offer ends {{ lead.attributes.ends_at | default: "soon" }}.',
        "Act now.",
        "Book before it's too late.",
    ],
)
def test_urgency_without_a_date_from_data_is_found(words: str) -> None:
    """R10: neither a word, nor a date somebody typed, nor one with a default is a deadline."""
    assert "R10-hurry-without-date" in said(words)


def test_a_deadline_from_data_may_hurry() -> None:
    """The date stands in the sentence, in Liquid, without a default."""
    day = '{{ lead.attributes.quote.valid_until | date: "%B %-d" }}'
    assert said(f"The price is held until {day}, and not a day longer.") == set()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("a: [", "not YAML"),
        ("- 1\n- 2\n", "map of fields"),
        ("\x00", "not YAML"),
        ("key: one\n", "is missing"),
    ],
)
def test_what_cannot_be_read_is_one_kind_of_finding(text: str, says: str) -> None:
    """The rule `document`, an error, and what is wrong."""
    found = lint(text)
    assert {f.rule for f in found} == {"document"}
    assert says in found[0].message
    assert has_errors(found)


def test_a_rule_may_be_broken_on_purpose(good: dict[str, Any], written: Callable[..., str]) -> None:
    """With the reason in the document, and only where that is nobody's law."""
    good["templates"]["mail"]["text"] = f"Hi {NAME}, our prices are in writing."
    assert lint(written(good))
    good["accept"] = {"R8-no-easy-answer": "it announces, and wants no answer"}
    assert lint(written(good)) == ()


@pytest.mark.parametrize("rule", ["O1-no-opt-out", "R15-quiet-hours", "R9-no-such-rule"])
def test_law_cannot_be_accepted_away(
    rule: str, good: dict[str, Any], written: Callable[..., str]
) -> None:
    """Nor can a rule that does not exist."""
    good["accept"] = {rule: "because"}
    (found,) = lint(written(good))
    assert (found.rule, found.path, found.severity) == ("document", f"/accept/{rule}", "error")


@pytest.mark.parametrize(
    "text",
    [
        "Hi {{ person.first_name }}{% if lead.need %}{{ lead.need",
        "{% for x in lead.attributes.many %}{{ x.name | default: '' }}{% endfor %} ok?",
        "{{ lead.attributes['odd name'] | upcase | append: '?' | default: 1 | date: 'nonsense' }}",
        "{{ 1 | divided_by: 0 }}",
        "{% include 'other' %}",
        "{{ person.first_name | split: '' | first }} ?",
    ],
)
def test_odd_templates_never_break_the_lint(
    text: str, good: dict[str, Any], written: Callable[..., str]
) -> None:
    """Findings or none, but no exception."""
    good["templates"]["mail"]["text"] = text
    assert all(isinstance(found, Finding) for found in lint(written(good)))


def test_sarif_names_rules_files_and_lines() -> None:
    """What code hosts need to show a finding at its line."""
    found = lint(DOCUMENT.replace("SAID", "Hurry."), file="a.yaml")
    log = json.loads(json.dumps(sarif({"a.yaml": found}, version="1.0")))
    (run,) = log["runs"]
    (result,) = run["results"]
    place = result["locations"][0]["physicalLocation"]
    assert (result["ruleId"], result["level"]) == ("R10-hurry-without-date", "error")
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("a.yaml", 11)
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} >= {r.id for r in RULES}
    assert log["version"] == "2.1.0"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("We come on November 5th.", True),
        ("We come on the 5th of Nov.", True),
        ("The price holds until 2026-11-05.", True),
        ("The price holds until 11/05/2026.", True),
        ("The price holds until 5.11.26.", True),
        ("In May 2026 we may come with 3 or 4 people.", False),
        ("We may 5 times out of 6 do it in 24/7 or version 1.2.", False),
        ('Until {{ lead.attributes.offer_ends | date: "%B %-d, %Y" }} it holds.', False),
    ],
)
def test_a_date_that_is_written_into_a_text_is_found(
    words: str, *, found: bool, good: dict[str, Any], rules_of: Callable[..., set[str]]
) -> None:
    """As people write days; not months alone, other numbers, nor dates from data."""
    good["templates"]["mail"]["text"] = good["templates"]["mail"]["text"] + words
    assert ("R10-written-date" in rules_of(good)) is found


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({"starts": [{"event": "lead.converted"}]}, True),
        ({"starts": [{"event": "deal.stage_changed"}]}, False),
        ({"starts": [{"event": "appointment.booked"}], "transactional": True}, False),
        (
            {"starts": [{"event": "appointment.booked"}], "anchor": "appointment.starts_at"},
            False,
        ),
        (
            {
                "starts": [{"event": "lead.converted"}],
                "on": {"lead.converted": [{"do": "halt", "when": {"replied": True}}]},
            },
            False,
        ),
    ],
)
def test_a_start_that_would_halt_its_own_sequence_is_found(
    more: dict[str, Any], *, found: bool, good: dict[str, Any], rules_of: Callable[..., set[str]]
) -> None:
    """Only where nothing is said about it, and only where the event halts by itself."""
    assert ("U3-start-that-halts" in rules_of(good | more)) is found
