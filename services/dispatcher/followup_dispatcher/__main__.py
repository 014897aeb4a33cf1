"""`python -m followup_dispatcher`: the service as a process of its own."""

from followup_dispatcher.wiring import build
from followup_messaging.standalone import main

if __name__ == "__main__":
    main("dispatcher", build)
