"""`python -m followup_dispatcher`: the service as a process of its own."""

from followup_messaging.standalone import main

from followup_dispatcher.wiring import build

if __name__ == "__main__":
    main("dispatcher", build)
