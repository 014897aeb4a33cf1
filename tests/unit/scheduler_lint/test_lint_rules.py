"""Each rule objects to its bad document alone, and not to the good one beside it."""

from collections.abc import Callable
from typing import Any

import pytest

from followup_scheduler.lint.registry import RULES

Document = dict[str, Any]
Change = Callable[[Document], None]
NAME = '{{ person.first_name | default: "there" }}'
LONG = "We look at the roof. " * 2


def text(key: str, said: str) -> Change:
    """Have a template say something else."""

    def change(document: Document) -> None:
        document["templates"][key]["text"] = said

    return change


def field(key: str, name: str, value: Any) -> Change:
    """Set a field of a template."""

    def change(document: Document) -> None:
        document["templates"][key][name] = value

    return change


def step(name: str, at: Any, channel: Any, template: Any, **more: Any) -> Document:
    return {
        "id": name,
        "at": at,
        "touches": [{"channel": channel, "template": template, **more}],
    }


def add(*steps: Document, **templates: Document) -> Change:
    """Add steps and templates."""

    def change(document: Document) -> None:
        document["steps"] += steps
        document["templates"] |= templates

    return change


def put(**fields: Any) -> Change:
    """Set fields of the document."""
    return lambda document: document.update(fields)


def after(*changes: Change) -> Change:
    """Several changes."""

    def change(document: Document) -> None:
        for each in changes:
            each(document)

    return change


def mail(said: str = "") -> Document:
    said = said or f"Hi {NAME}, our crew is in your street in May. Would that be a good time?"
    return {"subject": "In May", "text": said}


def sms(said: str = "") -> Document:
    return {"text": said or f"Hi {NAME}, two dates in May are free for your roof. The 4th or 5th?"}


def call(
    voicemail: str | None = f"Hello {NAME}, about your roof: please call us back.",
) -> Document:
    body = {"text": f"Hello {NAME}, we can come in May."}
    return body if voicemail is None else body | {"voicemail": voicemail}


def calling(body: Document) -> Change:
    return add(step("third", {"day": 4}, "voice", "call"), call=body)


def days(*numbers: int) -> Change:
    """Further rounds on these days, by call and e-mail in turn, each with words of its own."""
    subjects = ["gutters", "skylights", "chimneys", "slates", "insulation", "moss", "solar"]
    steps, templates = [], {}
    for number, day in enumerate(numbers):
        subject = subjects[number]
        steps.append(step(f"more-{day}", {"day": day}, "voice", f"say-{day}"))
        templates[f"say-{day}"] = {
            "text": f"Hello {NAME}, {subject}.",
            "voicemail": f"Hello {NAME}, {subject}.",
        }
    return add(*steps, **templates)


CASES: dict[str, tuple[Change, Change]] = {
    "R1-two-texts-a-day": (
        add(step("again", {"day": 3}, "sms", "a"), step("more", {"day": 3}, "sms", "b"),
            a=sms(), b=sms(f"{NAME}, is it slate or tile?")),
        add(step("again", {"day": 3}, "sms", "a"), step("more", {"day": 4}, "sms", "b"),
            a=sms(), b=sms(f"{NAME}, is it slate or tile?")),
    ),
    "R2-close-emails": (
        add(step("again", {"day": 3}, "email", "other"), other=mail()),
        add(step("again", {"day": 4}, "email", "other"), other=mail()),
    ),
    "R6-two-rounds-a-day": (
        add(step("again", {"day": 2}, "sms", "a"), a=sms()),
        add(step("again", {"day": 3}, "sms", "a"), a=sms()),
    ),
    "R4-no-voicemail": (calling(call(None)), calling(call())),
    "R4-long-voicemail": (
        calling(call(f"Hello {NAME}, this is about your roof. " + "one two three four. " * 18)),
        calling(call(f"Hello {NAME}, this is about your roof. " + "one two three four. " * 16)),
    ),
    "R5-impersonal-opening": (
        text("mail", "Dear customer,\n\nour prices are in writing. Shall I send you one?"),
        text("mail", f"Dear {NAME},\n\nour prices are in writing. Shall I send you one?"),
    ),
    "R7-same-message": (
        add(step("again", {"day": 5}, "email", "mail")),
        add(step("again", {"day": 5}, "email", "other"), other=mail()),
    ),
    "R7-same-angle": (
        add(step("again", {"day": 5}, "email", "other"),
            other=mail(f"Hi {NAME}, three firms out of four leave the price of the work open until"
                       " the end. Ours is in writing before we start. Shall I send one?")),
        add(step("again", {"day": 5}, "email", "other"), other=mail()),
    ),
    "R7-several-asks": (
        text("mail", f"Hi {NAME}, see https://a.example/prices and https://a.example/book. Which?"),
        text("mail", f"Hi {NAME}, see https://a.example/prices. Is it in your range?"),
    ),
    "R7-one-channel": (
        after(put(steps=[step("one", {"day": 0}, "sms", "hello"),
                         step("two", {"day": 2}, "sms", "a"),
                         step("three", {"day": 4}, "sms", "b")]),
              lambda d: d["templates"].pop("mail"),
              add(a=sms(), b=sms(f"{NAME}, is it slate or tile?"))),
        after(put(steps=[step("one", {"day": 0}, "sms", "hello"),
                         step("two", {"day": 2}, "sms", "a"),
                         step("three", {"day": 4}, "email", "mail")]),
              add(a=sms())),
    ),
    "R8-too-long": (
        text("mail", f"Hi {NAME}, {LONG}{LONG} It is dry. Shall I come?"),
        text("mail", f"Hi {NAME}, {LONG} It is dry. Shall I come?"),
    ),
    "R8-no-easy-answer": (
        text("mail", f"Hi {NAME}, our prices are in writing."),
        text("mail", f"Hi {NAME}, our prices are in writing. Would you like one?"),
    ),
    "R9-idle-phrase": (
        text("mail", f"Hi {NAME}, just checking in on your roof. Is it dry?"),
        text("mail", f"Hi {NAME}, checking in at our desk takes a minute. Is it dry?"),
    ),
    "R10-hurry-without-date": (
        text("mail", f"Hi {NAME}, this is your last chance to save. Shall we?"),
        text("mail", f"Hi {NAME}, the offer ends on"
                     ' {{ lead.attributes.offer_ends | date: "%B %-d" }}. Shall we?'),
    ),
    "R10-written-date": (
        text("mail", f"Hi {NAME}, our crew is in your street on May 4. Would that be good?"),
        text("mail", f"Hi {NAME}, our crew is in your street on"
                     ' {{ lead.attributes.visit_on | date: "%B %-d" }}. Would that be good?'),
    ),
    "L1-own-cap": (
        put(caps=[{"touches": 1, "per": "3d"}]),
        put(caps=[{"touches": 1, "per": "2d"}, {"touches": 1, "per": "30d", "channel": "sms"}]),
    ),
    "R14-too-many-rounds": (days(4, 6, 8, 10, 12, 14), days(4, 6, 8, 10, 12)),
    "R14-nothing-follows": (
        after(days(4, 6), put(end={"wait": "2d"})),
        after(days(4), put(end={"wait": "2d"})),
    ),
    "R15-quiet-hours": (
        add(step("early", {"day": 3, "time": "06:30"}, "sms", "a"), a=sms()),
        add(step("early", {"day": 3, "time": "08:30"}, "sms", "a"), a=sms()),
    ),
    "R16-slow-start": (
        put(steps=[step("first", {"after": "0m", "window": "at_once"}, "email", "mail"),
                   step("second", {"day": 1}, "sms", "hello")]),
        put(steps=[step("first", {"after": "24h"}, "email", "mail"),
                   step("second", {"day": 3}, "sms", "hello")]),
    ),
    "S1-segments": (
        text("hello", f"Hi {NAME}, " + "a word about roofs, " * 28 + "ok? Reply STOP to opt out."),
        text("hello", f"Hi {NAME}, " + "a word about roofs, " * 14 + "ok? Reply STOP to opt out."),
    ),
    "S2-costly-characters": (
        text("hello", f"Hi {NAME}, it\u2019s about your roof, which we would like to see soon from"
                      " above and from below. Is May fine? Reply STOP to opt out."),
        text("hello", f"Hi {NAME}, it's about your roof, which we would like to see soon from"
                      " above and from below. Is May fine? Reply STOP to opt out."),
    ),
    "V1-not-liquid": (
        text("mail", "Hi {{ person.first_name | default: , is it dry?"),
        text("mail", f"Hi {NAME}, is it dry?"),
    ),
    "V2-unknown-variable": (
        text("mail", 'Hi {{ person.fist_name | default: "there" }}, is it dry?'),
        text("mail", 'Hi {{ person.nickname | default: "there" }}, is it dry?'),
    ),
    "V3-no-default": (
        text("mail", "Hi {{ person.first_name }}, is it dry?"),
        text("mail", "Hi {% if person.first_name %}{{ person.first_name }}{% endif %}, is it dry?"),
    ),
    "V4-business-default": (
        text("mail", f"Hi {NAME}, {{{{ business.name }}}} here. Is it dry?"),
        text("mail", f'Hi {NAME}, {{{{ business.name | default: "we are" }}}} here. Is it dry?'),
    ),
    "O1-no-opt-out": (
        text("hello", f"Hi {NAME}, is it dry?"),
        text("hello", f"Hi {NAME}, is it dry? Text STOP to end."),
    ),
    "O2-no-unsubscribe": (
        text("mail", f"Hi {NAME}, is it dry?\n\nTo unsubscribe, click here."),
        text("mail", f"Hi {NAME}, is it dry?\n\nTo unsubscribe: {{{{ links.unsubscribe }}}}"),
    ),
    "O3-no-postal-address": (
        field("mail", "html", f"<p>Hi {NAME}, is it dry?</p>"
                              '<p><a href="{{ links.unsubscribe }}">Unsubscribe</a></p>'),
        field("mail", "html", f"<p>Hi {NAME}, is it dry?</p>"
                              '<p><a href="{{ links.unsubscribe }}">Unsubscribe</a>,'
                              ' {{ business.address | default: "" }}</p>'),
    ),
    "U1-unreachable-step": (
        put(steps=[step("first", {"after": "0m", "window": "at_once"}, "sms", "hello")
                   | {"next": "end"}, step("second", {"day": 2}, "email", "mail")]),
        put(steps=[step("first", {"after": "0m", "window": "at_once"}, "sms", "hello")
                   | {"next": "second"}, step("second", {"day": 2}, "email", "mail")]),
    ),
    "U2-never-met": (
        add(step("third", {"day": 4}, "sms", "a", when={"voicemail_left": "second"}), a=sms()),
        after(calling(call()),
              add(step("fourth", {"day": 6}, "sms", "a", when={"voicemail_left": "third"}),
                  a=sms())),
    ),
    "U3-start-that-halts": (
        put(starts=[{"event": "appointment.booked"}]),
        put(starts=[{"event": "appointment.booked"}], on={"appointment.booked": {"do": "go_on"}}),
    ),
}  # fmt: skip
"""Rule → how to spoil the good document for it, and how to do nearly the same unspoilt."""


def test_every_rule_has_its_documents() -> None:
    """No rule without a bad document and a good one."""
    assert {rule.id for rule in RULES} == CASES.keys()


ROWS = {"R4", "R5", "R7", "R8", "R9", "R10", "R14", "R16"}
"""Rows of the mission that the lint carries."""


def _carrying(rule: str) -> Any:
    row = rule.split("-", maxsplit=1)[0]
    marks = [pytest.mark.mission(row, via="lint")] if row in ROWS else []
    return pytest.param(rule, marks=marks, id=rule)


@pytest.mark.parametrize("rule", [_carrying(rule) for rule in CASES])
def test_a_bad_document_breaks_its_rule_alone(
    rule: str, good: Document, rules_of: Callable[[Document], set[str]]
) -> None:
    """The least that is wrong is found, and nothing else with it."""
    bad, _ = CASES[rule]
    bad(good)
    assert rules_of(good) == {rule}


@pytest.mark.parametrize("rule", CASES)
def test_the_good_neighbour_is_clean(
    rule: str, good: Document, rules_of: Callable[[Document], set[str]]
) -> None:
    """What is nearly the same, and right, is left alone."""
    _, fine = CASES[rule]
    fine(good)
    assert rules_of(good) == set()
