"""Twilio's forms as messages and reports of ours.

Fields come and go unannounced (twilio.com/docs/messaging/guides/track-outbound-message-status):
what is not known is kept and has no effect.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from followup_contracts.twilio_numbers import NUMBER_FAULTS, NumberFault
from followup_replies.addresses import LONGEST
from followup_replies.core.intents import Intent
from followup_replies.errors import Unfit
from followup_replies.inbound import Inbound
from followup_replies.states import AboutAddress, Heard, Report, Said, TouchIds

Form = Mapping[str, str]

LONGEST_SID = 64

MESSAGE_STATES: Mapping[str, str] = MappingProxyType(
    {
        "accepted": "queued",
        "scheduled": "queued",
        "queued": "queued",
        "sending": "queued",
        "sent": "sent",
        "partially_delivered": "sent",
        "delivered": "delivered",
        "undelivered": "undelivered",
        "failed": "failed",
        "canceled": "canceled",
        "read": "read",
    }
)
CALL_STATES: Mapping[str, str] = MappingProxyType(
    {
        "queued": "queued",
        "initiated": "queued",
        "ringing": "ringing",
        "in-progress": "in_progress",
        "answered": "in_progress",
        "completed": "completed",
        "busy": "busy",
        "no-answer": "no_answer",
        "failed": "failed",
        "canceled": "canceled",
    }
)

FAULTS: Mapping[NumberFault, Said] = MappingProxyType(
    {
        NumberFault.NOBODYS: "dead",  # calls will not arrive there either
        NumberFault.NO_TEXTS: "unreachable",
        NumberFault.BLOCKED: "unreachable",
        NumberFault.OPTED_OUT: "opted_out",
    }
)
"""What a fault says of the number; after any of them no text will arrive later either."""


def inbound_of(form: Form) -> Inbound:
    """A text that came in; raises `Unfit`."""
    return Inbound(
        channel="sms",
        vendor_id=_short(form, "MessageSid", fallback="SmsSid"),
        sender=_short(form, "From", longest=LONGEST),
        recipient=form.get("To", "")[:LONGEST],
        body=form.get("Body", ""),
        vendor_opt_out=_opt_out(form.get("OptOutType")),
        payload=dict(form),
    )


def person_of(form: Form) -> str:
    """Whose number is at the other end of a call; raises `Unfit`."""
    return _short(form, _ends(form)[0], longest=LONGEST)


def ours_of(form: Form) -> str:
    """Which number of ours a call goes out from or comes in at."""
    return form.get(_ends(form)[1], "")[:LONGEST]


def key_of(form: Form) -> str:
    """The key that was pressed; empty without one."""
    return form.get("Digits", "").strip()[:8]


def spoken_of(
    form: Form, *, name: str, body: str, stop: bool = False, meaning: Intent | None = None
) -> Inbound:
    """What a person said in a call, by a key or by calling; raises `Unfit`.

    `name` tells it from what else they said in the same call.
    """
    return Inbound(
        channel="voice",
        vendor_id=f"{_short(form, 'CallSid')}:{name}",
        sender=person_of(form),
        recipient=ours_of(form),
        body=body,
        vendor_opt_out="STOP" if stop else None,
        meaning=meaning,
        payload=dict(form),
    )


def noted_of(form: Form, ids: TouchIds | None, *, what: str) -> Report:
    """Something that happened in a call and is to be on record; raises `Unfit`."""
    sid = _short(form, "CallSid")
    return Report(
        kind="other",
        provider_ref=sid,
        state=what,
        dedupe_key=f"{sid}:{what}",
        payload=dict(form),
        ids=ids,
    )


def _ends(form: Form) -> tuple[str, str]:
    """The fields with the person's number and with ours."""
    return ("From", "To") if form.get("Direction") == "inbound" else ("To", "From")


def report_of(form: Form, ids: TouchIds | None) -> Report:
    """A status callback of a message or a call; raises `Unfit`."""
    if not form.get("CallSid"):
        return _message(form, ids)
    if form.get("CallStatus"):
        return _call(form, ids)
    if form.get("AnsweredBy"):
        return _detected(form, ids)
    # Recordings, and whatever else happens in calls.
    return noted_of(form, ids, what=form.get("RecordingStatus") or "unknown")


def heard_of(answered_by: str | None) -> Heard:
    """Who picked up (`AnsweredBy`). In doubt a person: what a person needs to hear is said.

    A machine that waits for a voicemail (machine_end_…) is `voicemail`.
    """
    said = (answered_by or "").lower()
    if said.startswith("machine_end"):
        return "voicemail"
    return "machine" if said.startswith("machine") or said == "fax" else "person"


def _message(form: Form, ids: TouchIds | None) -> Report:
    sid = _short(form, "MessageSid", fallback="SmsSid")
    said = _short(form, "MessageStatus", fallback="SmsStatus")
    code = _code(form)
    fault = None if code is None else NUMBER_FAULTS.get(code)
    return Report(
        kind="message",
        provider_ref=sid,
        state=MESSAGE_STATES.get(said, said),
        dedupe_key=f"{sid}:{said}",
        payload=dict(form),
        ids=ids,
        code=None if code is None else str(code),
        permanent=fault is not None,
        about=_about(form.get("To", ""), fault),
    )


def _about(address: str, fault: NumberFault | None) -> AboutAddress | None:
    if fault is None or not address or len(address) > LONGEST:
        return None
    return AboutAddress(address, FAULTS[fault])


def _call(form: Form, ids: TouchIds | None) -> Report:
    sid, said = _short(form, "CallSid"), _short(form, "CallStatus")
    answered_by = form.get("AnsweredBy")
    # Only that it was a machine: whether our words were left there, our own answer tells.
    machine = answered_by is not None and heard_of(answered_by) != "person"
    return Report(
        kind="call",
        provider_ref=sid,
        state=CALL_STATES.get(said, said),
        dedupe_key=f"{sid}:{said}",
        payload=dict(form),
        ids=ids,
        seconds=_seconds(form.get("CallDuration")),
        machine=machine,
    )


def _detected(form: Form, ids: TouchIds | None) -> Report:
    """Machine detection that did not wait (`AsyncAmdStatusCallback`): who has picked up."""
    sid, answered_by = _short(form, "CallSid"), form["AnsweredBy"]
    return Report(
        kind="call",
        provider_ref=sid,
        state="in_progress",
        dedupe_key=f"{sid}:detected",
        payload=dict(form),
        ids=ids,
        machine=heard_of(answered_by) != "person",
    )


def _short(
    form: Form, name: str, *, fallback: str | None = None, longest: int = LONGEST_SID
) -> str:
    value = form.get(name) or (form.get(fallback) if fallback else None) or ""
    if not value.strip() or len(value) > longest:
        raise Unfit(f"/{name}")
    return value.strip()


def _opt_out(said: str | None) -> Literal["STOP", "START", "HELP"] | None:
    match (said or "").upper():
        case "STOP":
            return "STOP"
        case "START":
            return "START"
        case "HELP":
            return "HELP"
        case _:
            return None


def _code(form: Form) -> int | None:
    said = form.get("ErrorCode", "")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 8 else None  # noqa: PLR2004 - theirs have five


def _seconds(said: str | None) -> int:
    return int(said) if said and said.isascii() and said.isdigit() and len(said) < 7 else 0  # noqa: PLR2004 - eleven days
