"""Events: what happened, in the past tense. They carry ids and no personal data."""

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from followup_contracts.payload import Channel, Lane, Moment, Payload

Intent = Literal[
    "interested",
    "question",
    "not_now",
    "not_interested",
    "already_bought",
    "referral",
    "wrong_person",
    "complaint",
    "out_of_office",
    "auto_reply",
    "opt_out",
    "other",
]
CallResult = Literal[
    "answered", "voicemail_left", "machine", "no_answer", "busy", "failed", "canceled"
]
Audience = Literal["b2b", "b2c"]


class LeadCaptured(Payload):
    """Intake has committed a lead, new or one more enquiry of a known person."""

    type_name: ClassVar[str] = "followup.lead.captured.v1"

    lead_id: UUID
    person_id: UUID
    source: str
    asked: bool
    audience: Audience
    lane: Lane
    sequence: str | None = None
    received_at: Moment

    def route(self) -> str:
        """By lane, so that speed to lead never waits behind an import."""
        return f"{super().route()}.{self.lane}"


class LeadUpdated(Payload):
    """Fields of a lead or its person changed; `changed` names them."""

    type_name: ClassVar[str] = "followup.lead.updated.v1"

    lead_id: UUID
    person_id: UUID
    changed: tuple[str, ...]
    at: Moment


class LeadConverted(Payload):
    """The product around says: this lead became a booking or a sale."""

    type_name: ClassVar[str] = "followup.lead.converted.v1"

    lead_id: UUID
    person_id: UUID
    kind: Literal["appointment", "deal"] = "deal"
    at: Moment


class _Appointment(Payload):
    lead_id: UUID
    person_id: UUID
    appointment_id: str
    starts_at: Moment
    at: Moment


class AppointmentBooked(_Appointment):
    """An appointment was made."""

    type_name: ClassVar[str] = "followup.appointment.booked.v1"


class AppointmentRescheduled(_Appointment):
    """An appointment moved to `starts_at`."""

    type_name: ClassVar[str] = "followup.appointment.rescheduled.v1"


class AppointmentCancelled(_Appointment):
    """An appointment will not take place."""

    type_name: ClassVar[str] = "followup.appointment.cancelled.v1"


class AppointmentCompleted(_Appointment):
    """An appointment took place."""

    type_name: ClassVar[str] = "followup.appointment.completed.v1"


class DealStageChanged(Payload):
    """The product around moved the lead's deal."""

    type_name: ClassVar[str] = "followup.deal.stage_changed.v1"

    lead_id: UUID
    person_id: UUID
    stage: str
    at: Moment


class _Outcome(Payload):
    touch_id: UUID
    enrollment_id: UUID
    lead_id: UUID
    person_id: UUID
    channel: Channel
    round: int
    at: Moment


class TouchSent(_Outcome):
    """A provider accepted the touch."""

    type_name: ClassVar[str] = "followup.touch.sent.v1"

    attempt_id: UUID
    account_id: UUID
    provider: str
    provider_ref: str | None
    sender: str | None
    segments: int = 1


ANOTHER_DAY = "day"
"""The rule of a touch whose account has spent its day: it is told the day of its turn."""


class TouchDeferred(_Outcome):
    """The touch must not or cannot go now; the scheduler re-arms it for `not_before`.

    One deferred by a rate keeps its place in its tenant's window, for it is about to go;
    one that was told another day (`ANOTHER_DAY`) has none, and holds up nobody meanwhile.
    """

    type_name: ClassVar[str] = "followup.touch.deferred.v1"

    kind: Literal["rule", "cap", "rate", "hold", "provider", "paused"]
    rule: str
    reason: str
    not_before: Moment

    @property
    def outstanding(self) -> bool:
        """Whether it keeps its place in its tenant's window."""
        return self.kind == "rate" and self.rule != ANOTHER_DAY


class TouchFailed(_Outcome):
    """A provider refused the touch for good, or it cannot be rendered."""

    type_name: ClassVar[str] = "followup.touch.failed.v1"

    attempt_id: UUID | None = None
    code: str
    reason: str


class TouchSkipped(_Outcome):
    """The touch will not go out: stopped, superseded, not consented, nobody to reach."""

    type_name: ClassVar[str] = "followup.touch.skipped.v1"

    rule: str
    reason: str


class TouchUnknown(_Outcome):
    """A call was begun and nobody knows whether the provider accepted it."""

    type_name: ClassVar[str] = "followup.touch.unknown.v1"

    attempt_id: UUID
    reason: str


class _Feedback(Payload):
    touch_id: UUID
    attempt_id: UUID
    enrollment_id: UUID
    lead_id: UUID
    person_id: UUID
    channel: Channel
    provider_ref: str | None = None
    at: Moment


class TouchDelivered(_Feedback):
    """The provider says the message reached the device or mailbox."""

    type_name: ClassVar[str] = "followup.touch.delivered.v1"


class TouchBounced(_Feedback):
    """The provider accepted the touch and could not deliver it."""

    type_name: ClassVar[str] = "followup.touch.bounced.v1"

    permanent: bool
    code: str


class TouchClicked(Payload):
    """A person followed a counted link of a touch; each click tells of itself."""

    type_name: ClassVar[str] = "followup.touch.clicked.v1"

    touch_id: UUID
    person_id: UUID
    at: Moment


class CallFinished(_Feedback):
    """A call came to its end."""

    type_name: ClassVar[str] = "followup.call.finished.v1"

    result: CallResult
    duration_seconds: int = 0


class ReplyReceived(Payload):
    """Somebody answered. A hold is on the person until the scheduler has decided."""

    type_name: ClassVar[str] = "followup.reply.received.v1"

    reply_id: UUID
    person_id: UUID
    lead_id: UUID | None
    enrollment_id: UUID | None
    touch_id: UUID | None
    channel: Channel
    intent: Intent
    opt_out: bool
    confidence: float
    until: date | None = None
    at: Moment


class MessageWritten(Payload):
    """Somebody of ours wrote to a lead: automation pauses and `message_id` is sent as a touch.

    A hold of that name is on the person until the scheduler has seen to both. The words are
    found by `template`. `confirms`: nobody wrote it; it confirms a stop or a start, or answers
    a call for help. Nothing pauses for it, and it goes within minutes or not at all; to whom
    nobody is known by, `message_id` stands for lead and person, too.
    """

    type_name: ClassVar[str] = "followup.message.written.v1"

    message_id: UUID
    lead_id: UUID
    person_id: UUID
    channel: Channel
    template: str
    confirms: bool = False
    at: Moment


class MessageUpdated(Payload):
    """What becomes of a message that somebody of ours wrote.

    `waiting`: not yet, and why; it is tried again at `not_before`. `unknown`: a call was
    begun and nobody knows whether the provider accepted it.
    """

    type_name: ClassVar[str] = "followup.message.updated.v1"

    message_id: UUID
    lead_id: UUID
    person_id: UUID
    channel: Channel
    state: Literal["waiting", "sent", "failed", "skipped", "unknown"]
    rule: str | None = None
    reason: str | None = None
    not_before: Moment | None = None
    at: Moment


class ContactOptedOut(Payload):
    """An address is on the suppression list; `person_id` is None for an unknown one."""

    type_name: ClassVar[str] = "followup.contact.opted_out.v1"

    person_id: UUID | None
    channel: Channel
    via: str
    at: Moment


class ContactOptedIn(Payload):
    """An address came off the suppression list by its owner's own word."""

    type_name: ClassVar[str] = "followup.contact.opted_in.v1"

    person_id: UUID | None
    channel: Channel
    via: str
    at: Moment


class _Run(Payload):
    enrollment_id: UUID
    lead_id: UUID
    person_id: UUID
    sequence: str
    version: int
    at: Moment


class SequenceEnrolled(_Run):
    """A lead entered a sequence."""

    type_name: ClassVar[str] = "followup.sequence.enrolled.v1"


class SequenceHalted(_Run):
    """An enrollment ended before its last step; `reason` says why."""

    type_name: ClassVar[str] = "followup.sequence.halted.v1"

    reason: str


class SequenceBranched(_Run):
    """An enrollment took a branch."""

    type_name: ClassVar[str] = "followup.sequence.branched.v1"

    branch: str


class SequenceCompleted(_Run):
    """An enrollment ran to its end."""

    type_name: ClassVar[str] = "followup.sequence.completed.v1"

    reason: str


class TaskCreated(Payload):
    """Something waits for a person."""

    type_name: ClassVar[str] = "followup.task.created.v1"

    task_id: UUID
    lead_id: UUID
    person_id: UUID
    enrollment_id: UUID | None
    kind: str
    at: Moment


class TaskCompleted(Payload):
    """A person has closed it with an outcome, or its sequence has ended: `withdrawn`."""

    type_name: ClassVar[str] = "followup.task.completed.v1"

    task_id: UUID
    lead_id: UUID
    person_id: UUID
    enrollment_id: UUID | None
    kind: str
    outcome: str
    at: Moment


class TaskReminded(Payload):
    """Somebody asked to be reminded of a task at this moment, and it is still open."""

    type_name: ClassVar[str] = "followup.task.reminded.v1"

    task_id: UUID
    lead_id: UUID
    person_id: UUID
    enrollment_id: UUID | None
    kind: str
    due_at: Moment
    at: Moment


class LeadHandedOff(Payload):
    """The lead left the live pipeline for another list."""

    type_name: ClassVar[str] = "followup.lead.handed_off.v1"

    lead_id: UUID
    person_id: UUID
    to: str
    at: Moment
