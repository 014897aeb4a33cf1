"""Every owner of a schema, in the order they are migrated."""

from importlib import import_module
from importlib.util import find_spec

from followup_database import Owner

_PACKAGES = (
    "followup_messaging",
    "followup_people",
    "followup_directory",
    "followup_suppression",
    "followup_intake",
    "followup_scheduler",
    "followup_dispatcher",
    "followup_replies",
)


def _owners() -> tuple[Owner, ...]:
    there = [name for name in _PACKAGES if find_spec(f"{name}.tables") is not None]
    return tuple(import_module(f"{name}.tables").OWNER for name in there)


OWNERS = _owners()
