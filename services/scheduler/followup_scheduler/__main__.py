"""`python -m followup_scheduler`: the service as a process of its own."""

from followup_messaging.standalone import main
from followup_scheduler.wiring import build

if __name__ == "__main__":
    main("scheduler", build)
