"""What an enrollment does with a reply, unless its sequence says otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from followup_contracts.events import Intent
from followup_policy.zones import Whereabouts
from followup_scheduler.core.document import Sequence
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


@dataclass(frozen=True, slots=True)
class Reacted:
    """A reaction worked out for one reply: what to do, until when, with which task."""

    do: Literal["go_on", "hold", "wait", "halt"]
    reason: str
    until: datetime | None = None
    task: Task | None = None
    hand_off: str | None = None


def react(sequence: Sequence, reply: ReplyRead, *, where: Whereabouts, now: datetime) -> Reacted:
    """What a reply calls for. An opt-out halts whatever else the reply is (R13)."""
    if reply.opt_out or reply.intent == "opt_out":
        return Reacted("halt", OPTED_OUT)
    written = sequence.reactions(f"reply.{reply.intent}")
    reaction = written[0] if written else defaults()[reply.intent]
    order = reaction.task
    task = None if order is None else Task(order.kind, f"reply: {reply.intent}", now + order.within)
    reason = reaction.reason or reply.intent
    if reaction.do in ("go_on", "hold", "halt"):
        return Reacted(reaction.do, reason, task=task, hand_off=reaction.hand_off)
    until = _until(reaction, reply.until, where=where, now=now)
    if until is None:
        return Reacted("halt", reason, task=task, hand_off=reaction.hand_off)
    return Reacted("wait", reply.intent, until=until, task=task)


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
