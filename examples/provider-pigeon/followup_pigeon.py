"""Texts by Pigeon, a vendor that does not exist: an example of a provider of one's own.

Settings: `base_url`, `settling_seconds`. Secret: `token`.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from followup_contracts.channels import Channel
from followup_dispatcher.providers import settings as read
from followup_dispatcher.providers.http_answers import Codes, Meaning, Verdict, fields, inside, text
from followup_dispatcher.providers.http_auth import bearer
from followup_dispatcher.providers.http_body import json
from followup_dispatcher.providers.http_line import HttpLine, Reply
from followup_dispatcher.providers.http_provider import (
    Dialect,
    HttpProvider,
    Lookup,
    Question,
    Request,
)
from followup_dispatcher.providers.machine_clock import Clock, machine_clock
from followup_dispatcher.providers.port import (
    Absent,
    Accepted,
    Answer,
    Call,
    Found,
    PastAttempt,
    Refused,
    Undecided,
    Unknown,
)

LONGEST = 500
SETTLING = timedelta(minutes=10)

# What the vendor's reference says of its codes; whatever it does not mention is not here.
CODES = Codes(
    meanings={
        "bad_token": Meaning(Verdict.BROKEN, "the token was not accepted"),
        "bad_sender": Meaning(Verdict.BROKEN, "the sender is not ours"),
        "no_such_number": Meaning(Verdict.SUPPRESS, "the number is nobody's"),
        "too_fast": Meaning(Verdict.CROWDED, "too many texts at once"),
    },
    code_of=lambda reply: text(inside(fields(reply.body), "error")),
)


class Pigeon(Dialect):
    """What is the vendor's own: how a text is asked for, and how its yes looks."""

    name = "pigeon"
    channel: Channel = "sms"
    codes = CODES

    def request(self, call: Call) -> Request | Refused:
        """JSON; `tag` comes back in the vendor's reports."""
        if len(call.content.text) > LONGEST:
            return Refused("too-long", f"more than {LONGEST} characters")
        message = {
            "to": call.to,
            "from": call.sender,
            "words": call.content.text,
            "tag": str(call.attempt_id),
            "report_to": call.callback_url,
        }
        return Request("/coo", json(message))

    def taken(self, reply: Reply, _call: Call) -> Answer:
        """A 2xx without an id may be anything: it is not a yes."""
        ref = text(inside(fields(reply.body), "bird"))
        return Accepted(ref) if ref else Unknown("accepted by an answer that cannot be read")


def pigeon(
    settings: Mapping[str, Any], secrets: Mapping[str, str], *, clock: Clock = machine_clock
) -> HttpProvider:
    """The adapter of an account: what the entry point names."""
    line = HttpLine(
        read.base_url(settings, "https://api.pigeon.example"),
        auth=bearer(read.text(secrets, "token")),
    )
    lookup = Lookup(question=_question, shown=_shown, settling=SETTLING)
    return HttpProvider(Pigeon(), line, lookup=lookup, clock=clock)


def _question(attempt: PastAttempt) -> Question:
    return Question("/coos", {"tag": str(attempt.attempt_id)})


def _shown(reply: Reply, _attempt: PastAttempt) -> Found | Absent | Undecided:
    birds = inside(fields(reply.body), "birds")
    if not isinstance(birds, list):
        return Undecided("the record cannot be read now")
    return Found(text(birds[0])) if birds else Absent()
