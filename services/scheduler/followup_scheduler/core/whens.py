"""What-if, as people write it: `ack: reply.interested after 2h`.

`STEP: WHAT [until DATE] [to TIME] [after DURATION]`: after a touch of the step has gone
(`start`: after the lead has come in). What: `reply.<intent>` (`until` is the date it
names), `opt_out`, `lead.converted`, `appointment.<what>` (`to` is when it is), `deal.<stage>`,
`pause`, `resume`, `halt`.
"""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial

from followup_scheduler.core import durations
from followup_scheduler.core.format.reaction import INTENTS, PRODUCT_EVENTS
from followup_scheduler.core.model import Converted, OptedOut, Ordered, ReplyRead
from followup_scheduler.core.simulation import Happening, Learned, When

START = "start"
_WHEN = re.compile(
    r"^\s*(?P<step>[a-z0-9][a-z0-9_-]{0,63})\s*:\s*(?P<what>[a-z_.]{2,60})"
    r"(?:\s+until\s+(?P<until>\S{1,40}))?(?:\s+to\s+(?P<to>\S{1,40}))?"
    r"(?:\s+after\s+(?P<after>\S{1,10}))?\s*$"
)
_STATES = {"booked": "booked", "rescheduled": "booked"}


def parse_when(text: str) -> When:
    """What a text supposes; ValueError says what is wrong with it."""
    found = _WHEN.match(text)
    if found is None:
        raise ValueError(f"{text!r}: write STEP: WHAT [until DATE] [to TIME] [after DURATION]")
    step = None if found["step"] == START else found["step"]
    after = durations.read(found["after"]) if found["after"] else timedelta(0)
    until = date.fromisoformat(found["until"]) if found["until"] else None
    to = _moment(found["to"]) if found["to"] else None
    return When(step, after, _happens(found["what"], until=until, to=to))


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} needs an offset, such as {text}-05:00")
    return moment


def _happens(
    what: str, *, until: date | None, to: datetime | None
) -> Callable[[datetime], Happening]:
    group, _, name = what.partition(".")
    if group == "reply" and name in INTENTS:
        return lambda at: ReplyRead(name, name == "opt_out", until, at)
    if what == "opt_out":
        return lambda at: OptedOut("sms", at)
    if what in ("lead.converted", "converted"):
        return lambda at: Converted("deal", at)
    if what in ("pause", "resume", "halt"):
        return lambda at: Ordered(what, "what-if", at)  # type: ignore[arg-type] # one of these
    if group == "appointment" and what in PRODUCT_EVENTS:
        return partial(_appointment, name, to)
    if group == "deal" and name:
        stage = {"deal": {"stage": name}}
        return lambda at: Learned(at, stage, "deal.stage_changed")
    raise ValueError(f"{what!r} is nothing that can happen")


def _appointment(name: str, to: datetime | None, at: datetime) -> Learned:
    known = {
        "starts_at": (to or at).isoformat(),
        "state": _STATES.get(name, name),
        f"{name}_at": at.isoformat(),
    }
    event = next(event for event in PRODUCT_EVENTS if event == f"appointment.{name}")
    return Learned(at, {"appointment": known}, event)
