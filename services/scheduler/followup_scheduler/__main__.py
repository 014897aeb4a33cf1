"""`python -m followup_scheduler`: the scheduler as a process of its own."""

import asyncio
import sys

from followup_runtime.errors import SettingsError
from followup_runtime.settings import load
from followup_scheduler.settings import SchedulerSettings
from followup_scheduler.wiring import run


def main() -> int:
    """Run until told to stop; 2 when a setting is wrong or missing."""
    settings = load(SchedulerSettings)
    try:
        return asyncio.run(run(settings))
    except SettingsError as error:
        print(f"followup: {error}", file=sys.stderr)  # noqa: T201 - for whoever started it
        return 2


if __name__ == "__main__":
    raise SystemExit(main())
