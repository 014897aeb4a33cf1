"""The kinds of steps, a module each: what it is written as, what it does, what ends it.

A new kind is a new module and a line in `Step`; a document's step is of the kind whose
field it has.
"""

from typing import Annotated, Any

from pydantic import Discriminator, Tag

from followup_scheduler.core.steps.branch import BranchStep
from followup_scheduler.core.steps.hand_over import HandOverStep
from followup_scheduler.core.steps.switch import SwitchStep
from followup_scheduler.core.steps.task import TaskStep
from followup_scheduler.core.steps.touches import TouchStep
from followup_scheduler.core.steps.wait import WaitStep

_KINDS = ("task", "branch", "wait", "hand_over", "switch")


def _kind(value: Any) -> str:
    """The kind of a step: `touches`, unless it has another kind's field.

    In angle brackets, which no field has: tags become part of where a fault is.
    """
    if isinstance(value, dict):
        return f"<{next((kind for kind in _KINDS if kind in value), 'touches')}>"
    return f"<{next((kind for kind in _KINDS if hasattr(value, kind)), 'touches')}>"


Step = Annotated[
    Annotated[TouchStep, Tag("<touches>")]
    | Annotated[TaskStep, Tag("<task>")]
    | Annotated[BranchStep, Tag("<branch>")]
    | Annotated[WaitStep, Tag("<wait>")]
    | Annotated[HandOverStep, Tag("<hand_over>")]
    | Annotated[SwitchStep, Tag("<switch>")],
    Discriminator(_kind),
]

__all__ = [
    "BranchStep",
    "HandOverStep",
    "Step",
    "SwitchStep",
    "TaskStep",
    "TouchStep",
    "WaitStep",
]
