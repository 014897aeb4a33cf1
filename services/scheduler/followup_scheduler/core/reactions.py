"""What an enrollment does with a reply, unless its sequence says otherwise."""

from collections.abc import Callable, Mapping
from collections.abc import Sequence as Sequence_
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from followup_contracts.events import Intent
from followup_policy.zones import Whereabouts
from followup_scheduler.core.document import Sequence
from followup_scheduler.core.format.condition import Condition
from followup_scheduler.core.format.reaction import Order, Reaction
from followup_scheduler.core.model import ReplyRead, Task
from followup_scheduler.core.moments import first_moment

NURTURE = "nurture"
OPTED_OUT = "opted_out"

_FURTHEST = timedelta(days=400)
"""A date further off than this is no date to wait for."""


def _task(kind: str) -> Order:
    return Order(kind=kind)


def defaults() -> Mapping[Intent, Reaction]:
    """The reaction to each intent."""
    return {
        "interested": Reaction(do="halt", task=_task("contact_interested")),
        "question": Reaction(do="hold", task=_task("answer_question")),
        "not_now": Reaction(do="wait", reason=NURTURE, hand_off=NURTURE),
        "not_interested": Reaction(do="halt"),
        "already_bought": Reaction(do="halt"),
        "referral": Reaction(do="hold", task=_task("thank_for_referral")),
        "wrong_person": Reaction(do="halt"),
        "complaint": Reaction(do="hold", task=Order(kind="handle_complaint", within=timedelta(0))),
        "out_of_office": Reaction(do="wait", rest=timedelta(days=1), otherwise=timedelta(days=3)),
        "auto_reply": Reaction(do="go_on"),
        "opt_out": Reaction(do="halt", reason=OPTED_OUT),
        "other": Reaction(do="hold", task=_task("read_reply")),
    }


_PURSUED = frozenset({"enrolled", "quote", "deal"})


def default_to(event: str, sequence: Sequence) -> Reaction:
    """The reaction to an event of the product.

    Whoever is won is not pursued any more; what accompanies customers (anchored on an
    appointment or a date of theirs, or transactional) goes on.
    """
    pursues = sequence.anchor.partition(".")[0] in _PURSUED and not sequence.transactional
    match event:
        case "lead.converted" if pursues:
            return Reaction(do="halt", reason="converted")
        case "appointment.booked" if pursues:
            return Reaction(do="halt", reason="booked")
        case "appointment.cancelled" if sequence.anchor == "appointment.starts_at":
            return Reaction(do="halt", reason="appointment_cancelled")
        case _:
            return Reaction(do="go_on")


@dataclass(frozen=True, slots=True)
class Reacted:
    """A reaction worked out: what to do, where to, until when, with which task."""

    do: Literal["go_on", "hold", "wait", "halt", "branch", "switch"]
    reason: str
    until: datetime | None = None
    task: Task | None = None
    hand_off: str | None = None
    to: str | None = None


@dataclass(frozen=True, slots=True)
class Occurred:
    """Something an enrollment may react to; `named` is the date it names, if it does."""

    trigger: str
    what: str
    where: Whereabouts
    now: datetime
    named: date | None = None


def choose(
    said: Sequence_[Reaction], *, holds: Callable[[Condition | None], bool], default: Reaction
) -> Reaction:
    """The first reaction whose condition holds, else the one without a document."""
    return next((reaction for reaction in said if holds(reaction.when)), default)


def work_out(reaction: Reaction, occurred: Occurred) -> Reacted:
    """What a reaction comes to. One that waits for no date, and for nothing else, halts.

    One that has a reply wait for a person asks one, whatever the document says: nobody
    would come by otherwise.
    """
    now = occurred.now
    word = occurred.what.rpartition(": ")[2].replace(".", "_").replace(" ", "_")
    order = reaction.task
    if order is None and reaction.do == "hold" and occurred.trigger.startswith("reply."):
        order = _task("read_reply")
    task = None if order is None else ordered(order, occurred.what, now=now)
    reason = reaction.reason or word
    if reaction.do == "wait":
        until = _until(reaction, occurred.named, where=occurred.where, now=now)
        if until is not None:
            return Reacted("wait", word, until=until, task=task)
        return Reacted("halt", reason, task=task, hand_off=reaction.hand_off)
    return Reacted(reaction.do, reason, task=task, hand_off=reaction.hand_off, to=reaction.to)


def ordered(order: Order, reason: str, *, now: datetime) -> Task:
    """The task of an order."""
    due = now + order.within
    remind = None if order.remind is None else due - order.remind
    return Task(order.kind, reason, due, title=order.title, remind_at=remind)


def opts_out(reply: ReplyRead) -> bool:
    """Whether a reply says stop, which halts whatever else it is (R13)."""
    return reply.opt_out or reply.intent == "opt_out"


def left_over(reply: ReplyRead, *, now: datetime) -> Task | None:
    """The task of a reply that no run is left to decide on, if it needs a person.

    Whoever writes after the end is back: nobody else would see it.
    """
    order = defaults()[reply.intent].task
    if reply.opt_out or order is None:
        return None
    return Task(order.kind, f"reply after the end: {reply.intent}", now + order.within)


def _until(
    reaction: Reaction, named: date | None, *, where: Whereabouts, now: datetime
) -> datetime | None:
    """The moment to wait for: the day the reply names, where everybody there has it."""
    if named is not None:
        until = first_moment(where, named) + reaction.rest
        if now < until <= now + _FURTHEST:
            return until
    return None if reaction.otherwise is None else now + reaction.otherwise
