"""Commands: what somebody is asked to do, in the imperative."""

from typing import ClassVar
from uuid import UUID

from followup_contracts.payload import Channel, Lane, Moment, Payload


class SendTouch(Payload):
    """Scheduler → dispatcher: send this touch now, if every rule allows it.

    `round` counts how often the touch was commanded, `epoch` is its enrollment's at
    that moment: a claim that finds a newer one does not send. `contact_round` groups
    the channels of one follow-up round (R6). Past `not_after` the touch is skipped.

    `answer`: somebody of ours wrote it to this person, outside every sequence. Its
    enrollment's id is the touch's own, and its words name the account, the sender and the
    letters it goes on from.
    """

    type_name: ClassVar[str] = "followup.touch.send.v1"

    touch_id: UUID
    enrollment_id: UUID
    lead_id: UUID
    person_id: UUID
    channel: Channel
    lane: Lane
    round: int
    epoch: int
    sequence: str
    version: int
    step: str
    contact_round: str
    template: str
    transactional: bool = False
    answer: bool = False
    due_at: Moment
    not_after: Moment | None = None

    def route(self) -> str:
        """By channel and lane: each scales alone."""
        return f"{super().route()}.{self.channel}.{self.lane}"
