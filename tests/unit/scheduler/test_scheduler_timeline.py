from datetime import UTC, datetime, timedelta
from uuid import UUID

from followup_scheduler.timeline import Happening, compose

NOON = datetime(2026, 3, 2, 17, tzinfo=UTC)


def test_lines_of_all_sources_come_in_order_with_their_reasons():
    """Journal, traces and tasks are one list by time, each with its why."""
    told = compose(
        journal=[
            {"at": NOON, "what": "enrolled", "why": {"step": "day-0"}, "enrollment_id": UUID(int=1)}
        ],
        touches=[
            {
                "id": UUID(int=2),
                "enrollment_id": UUID(int=1),
                "step": "day-0",
                "channel": "sms",
                "trace": [
                    {"at": NOON.isoformat(), "what": "planned", "moved_by": ["R12"]},
                    {"at": (NOON + timedelta(minutes=2)).isoformat(), "what": "sent"},
                ],
            }
        ],
        tasks=[
            {
                "id": UUID(int=3),
                "kind": "call",
                "reason": "asked for it",
                "enrollment_id": None,
                "created_at": NOON + timedelta(minutes=1),
                "due_at": NOON + timedelta(hours=1),
                "completed_at": NOON + timedelta(minutes=3),
                "outcome": "done",
            }
        ],
    )
    assert [h.what for h in told] == ["enrolled", "planned", "task opened", "sent", "task done"]
    assert told[1].why == {"moved_by": ["R12"]}
    assert told[1].touch_id == UUID(int=2)


def test_a_moment_is_shown_on_every_clock_the_person_may_live_by():
    """A state with two clocks gives two local times."""
    local = Happening(NOON, "sent").local({"America/Chicago", "America/New_York"})
    assert local == {
        "America/Chicago": "2026-03-02T11:00:00-06:00",
        "America/New_York": "2026-03-02T12:00:00-05:00",
    }
