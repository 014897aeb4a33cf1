"""Which touch a message is about, and that its tenant may speak of it."""

from collections.abc import Mapping
from uuid import UUID

import structlog

from followup_scheduler.runs import Run
from followup_scheduler.touch import Touch

_log = structlog.get_logger()


def addressed(
    runs: Mapping[UUID, Run], enrollment_id: UUID, touch_id: UUID, *, tenant_id: UUID
) -> tuple[Run, Touch] | None:
    """The run and touch a message of this tenant is about.

    None where there is nothing left to tell (erased meanwhile), or where they are
    another tenant's: workers see every tenant's rows, so this is theirs to check.
    """
    run = runs.get(enrollment_id)
    touch = None if run is None else run.touch(touch_id)
    if run is None or touch is None:
        _log.info("message about no touch of ours", touch=str(touch_id))
        return None
    if not belongs(run, tenant_id):
        return None
    return run, touch


def belongs(run: Run, tenant_id: UUID) -> bool:
    """Whether a run is this tenant's; a line in the log says when it is not."""
    if run.enrollment.tenant_id == tenant_id:
        return True
    _log.warning(
        "message about another tenant's enrollment",
        tenant=str(tenant_id),
        enrollment=str(run.enrollment.id),
    )
    return False
