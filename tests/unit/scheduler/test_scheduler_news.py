from datetime import UTC, datetime
from uuid import UUID

import pytest

from followup_contracts.events import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentCompleted,
    AppointmentRescheduled,
    DealStageChanged,
    LeadConverted,
    LeadUpdated,
)
from followup_scheduler.core.model import FactsChanged
from followup_scheduler.handlers.news import line_of, read_back, stimulus_of
from followup_scheduler.store.journal import Entry

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TENANT = UUID(int=1)
ABOUT = {"lead_id": UUID(int=2), "person_id": UUID(int=3), "at": NOON}
EVENTS = (
    *(
        kind(**ABOUT, appointment_id="a1", starts_at=NOON)
        for kind in (
            AppointmentBooked,
            AppointmentRescheduled,
            AppointmentCancelled,
            AppointmentCompleted,
        )
    ),
    DealStageChanged(**ABOUT, stage="quoted"),
    LeadConverted(**ABOUT, kind="deal"),
    LeadConverted(**ABOUT, kind="appointment"),
)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_a_line_about_the_product_tells_what_the_event_told(event):
    """Whoever enters later hears from the journal what the event said."""
    assert read_back(line_of(event, tenant_id=TENANT, at=NOON)) == stimulus_of(event)


@pytest.mark.parametrize("changed", [("external",), ("person.zone",), ("repeated",)])
def test_changed_facts_are_not_told_again(changed):
    """They are read when the lead enters, as they are then."""
    event = LeadUpdated(**ABOUT, changed=changed)
    assert isinstance(stimulus_of(event), FactsChanged | None)
    assert read_back(line_of(event, tenant_id=TENANT, at=NOON)) is None


def test_other_lines_tell_nothing():
    """The journal has more than what the product says."""
    line = Entry(TENANT, UUID(int=2), UUID(int=3), None, NOON, "not enrolled", {"reason": "lost"})
    assert read_back(line) is None
