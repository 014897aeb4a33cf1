"""`python -m followup_replies`: the service as a process of its own."""

from followup_messaging.standalone import main
from followup_replies.wiring import build

if __name__ == "__main__":
    main("replies", build)
