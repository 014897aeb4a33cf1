"""A service as a process of its own, by its own wiring, with times and windows for a test.

Run as a script; argument: the service.
"""

import sys
from datetime import timedelta
from functools import partial

from followup_dispatcher import wiring as dispatcher
from followup_dispatcher.settings import DispatcherSettings
from followup_intake import wiring as intake
from followup_intake.settings import IntakeSettings
from followup_messaging.standalone import main
from followup_scheduler import wiring as scheduler
from followup_scheduler.settings import SchedulerSettings

BUILDERS = {
    "intake": partial(
        intake.build, own=IntakeSettings(republish_after=timedelta(milliseconds=500))
    ),
    "scheduler": partial(scheduler.build, own=SchedulerSettings(window=200)),
    "dispatcher": partial(dispatcher.build, own=DispatcherSettings(stale_after=0.5)),
}

if __name__ == "__main__":
    main(sys.argv[1], BUILDERS[sys.argv[1]])
