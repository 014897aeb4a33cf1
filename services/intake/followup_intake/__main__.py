"""`python -m followup_intake`: the service as a process of its own."""

from followup_intake.wiring import build
from followup_messaging.standalone import main

if __name__ == "__main__":
    main("intake", build)
