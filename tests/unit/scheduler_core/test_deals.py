from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from followup_scheduler.core.deal import learned, with_worth
from followup_scheduler.core.document import parse
from followup_scheduler.core.simulate import simulate
from followup_scheduler.core.simulation import Learned
from followup_scheduler.imagined import ImaginedLead

BY_VALUE = """
format: 1
key: worth
name: By what it is worth
steps:
  - id: which
    at: {day: 2}
    branch:
      - {when: {all: [{fact: {name: deal.value, above: 10000}},
                      {fact: {name: deal.currency, is: USD}}]}, go: in-person}
  - id: by-text
    at: {day: 2}
    touches: [{channel: sms, template: hello}]
    next: end
  - id: in-person
    at: {day: 2}
    task: {kind: personal_call, wait: false}
templates:
  hello: {text: "Hi, shall we come and look?"}
"""
START = datetime(2026, 3, 2, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("attributes", "value", "currency", "deal"),
    [
        ({}, Decimal(12), "EUR", {"value": Decimal(12), "currency": "EUR"}),
        ({"deal": {"stage": "sent"}}, Decimal(0), None, {"stage": "sent", "value": Decimal(0)}),
        ({"deal": {"stage": "sent"}}, None, None, {"stage": "sent"}),
        ({"deal": "the big one"}, Decimal(12), None, "the big one"),
        ({"plan": "gold"}, None, None, None),
    ],
)
def test_a_deal_is_its_stage_and_what_the_lead_is_worth(attributes, value, currency, deal):
    """What is not known is not there; an attribute of that name that is no deal stays."""
    known = with_worth(attributes, value=value, currency=currency)
    assert known.get("deal") == deal
    assert {**known, "deal": None} == {**attributes, "deal": None}


def test_a_new_stage_leaves_the_value():
    """Told of a deal is only what was said anew; of anything else, all."""
    known = {"deal": {"stage": "sent", "value": 5}, "plan": {"a": 1}}
    assert learned(known, {"deal": {"stage": "won"}, "plan": {"b": 2}}) == {
        "deal": {"stage": "won", "value": 5},
        "plan": {"b": 2},
    }


@pytest.mark.parametrize(
    ("worth", "kinds"),
    [
        ({"value": "10000.01", "currency": "USD"}, ["personal_call"]),
        ({"value": 10_000, "currency": "USD"}, []),
        ({"value": 20_000, "currency": "CAD"}, []),
        ({}, []),
    ],
)
def test_what_a_lead_is_worth_decides_its_way(worth, kinds):
    """H1 on paper, and after a stage was told too."""
    lead = ImaginedLead.model_validate({"state": "NY", "postal_code": "10001", **worth})
    sold = Learned(START + timedelta(hours=1), {"deal": {"stage": "sent"}}, "deal.stage_changed")
    played = simulate(parse(BY_VALUE), lead.facts(), start=START, happenings=[sold])
    assert [each.task.kind for each in played.tasks] == kinds
    assert len(played.touches) == 1 - len(kinds)
