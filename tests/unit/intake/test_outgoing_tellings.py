"""What a product can be told of."""

from followup_contracts.registry import MESSAGES
from followup_contracts.topology import EVENTS, exchange_of_type
from followup_intake.core.tellings import TESTED, TOLD


def test_every_event_of_the_bus_has_its_row():
    """A type that nobody gave a row would never reach a product."""
    assert TOLD.keys() == {n for n, p in MESSAGES.items() if exchange_of_type(p) == EVENTS}
    assert TESTED not in MESSAGES


def test_what_fills_a_body_is_named_by_its_event():
    """A lead or person can be filled in only where the event carries its id."""
    for name, parts in TOLD.items():
        fields = MESSAGES[name].model_fields
        assert {f"{part}_id" for part in parts} <= fields.keys(), name
