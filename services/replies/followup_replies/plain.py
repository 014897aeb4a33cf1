"""Messages and reports in our own words: what the sandbox and generic providers send."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from followup_contracts.payload import Channel
from followup_replies.addresses import LONGEST
from followup_replies.errors import Unfit
from followup_replies.inbound import Inbound
from followup_replies.states import AboutAddress, Heard, Report, Said, TouchIds
from followup_runtime.problems import from_validation

_Id = Annotated[str, Field(min_length=1, max_length=64)]
_Ref = Annotated[str, Field(min_length=1, max_length=256)]
_Address = Annotated[str, Field(min_length=1, max_length=LONGEST)]
_Header = Annotated[str, Field(max_length=1_000)]


class Body(BaseModel):
    """Something told; what it holds beyond its fields is a mistake."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class InboundBody(Body):
    """A message; `id` is the same each time it is told of."""

    id: _Id
    channel: Channel
    sender: _Address = Field(alias="from")
    recipient: Annotated[str, Field(max_length=LONGEST)] = Field(default="", alias="to")
    body: Annotated[str, Field(max_length=32_000)] = ""
    subject: Annotated[str, Field(max_length=1_000)] | None = None
    headers: Annotated[dict[_Header, _Header], Field(max_length=50)] = Field(default_factory=dict)
    opt_out: Literal["STOP", "START", "HELP"] | None = None

    def arrival(self, payload: dict[str, Any]) -> Inbound:
        """The same as every vendor's."""
        return Inbound(
            channel=self.channel,
            vendor_id=self.id,
            sender=self.sender,
            recipient=self.recipient,
            body=self.body,
            subject=self.subject,
            headers=self.headers,
            vendor_opt_out=self.opt_out,
            payload=payload,
        )


class IdsBody(Body):
    """Whom a report is about; without it `ref` says so."""

    touch: UUID
    attempt: UUID
    enrollment: UUID
    lead: UUID
    person: UUID

    def ids(self) -> TouchIds:
        """The ids."""
        return TouchIds(
            touch_id=self.touch,
            attempt_id=self.attempt,
            enrollment_id=self.enrollment,
            lead_id=self.lead,
            person_id=self.person,
        )


class StatusBody(Body):
    """What became of a message; `ref` is what the provider gave when it took it.

    `recipient` of a permanent failure is an address that is nobody's, unless `said` tells
    something else of it.
    """

    ref: _Ref
    state: Literal[
        "queued",
        "deferred",
        "sent",
        "delivered",
        "undelivered",
        "failed",
        "canceled",
        "read",
        "opened",
        "clicked",
        "unsubscribed",
        "complained",
    ]
    code: _Id | None = None
    permanent: bool = False
    recipient: _Address | None = None
    said: Said | None = None
    attempt: UUID | None = None
    about: IdsBody | None = None

    def arrival(self, payload: dict[str, Any]) -> Report:
        """The same as every vendor's."""
        return Report(
            kind="message",
            provider_ref=self.ref,
            state=self.state,
            dedupe_key=f"{self.ref}:{self.state}",
            payload=payload,
            ids=None if self.about is None else self.about.ids(),
            attempt=self.attempt,
            code=self.code,
            permanent=self.permanent,
            about=self._about(),
        )

    def _about(self) -> AboutAddress | None:
        said = self.said or _SAID.get(self.state) or ("dead" if self.permanent else None)
        if said is None or self.recipient is None:
            return None
        return AboutAddress(self.recipient, said)


_SAID: dict[str, Said] = {"unsubscribed": "opted_out", "complained": "complained"}


class CallBody(Body):
    """What became of a call, and who heard it."""

    ref: _Ref
    state: Literal[
        "queued", "ringing", "in_progress", "completed", "busy", "no_answer", "failed", "canceled"
    ]
    heard: Heard | None = None
    seconds: Annotated[int, Field(ge=0, le=86_400)] = 0
    attempt: UUID | None = None
    about: IdsBody | None = None

    def arrival(self, payload: dict[str, Any]) -> Report:
        """The same as every vendor's."""
        return Report(
            kind="call",
            provider_ref=self.ref,
            state=self.state,
            dedupe_key=f"{self.ref}:{self.state}",
            payload=payload,
            ids=None if self.about is None else self.about.ids(),
            attempt=self.attempt,
            seconds=self.seconds,
            heard=self.heard,
        )


def read_body(
    model: type[InboundBody | StatusBody | CallBody], value: Any, *, channel: Channel
) -> Inbound | Report:
    """What a body tells; raises `Unfit` with the first thing that is wrong with it."""
    try:
        said = model.model_validate(value)
    except ValidationError as error:
        (first, *_) = from_validation(error.errors(include_url=False, include_input=False))
        raise Unfit(first["pointer"]) from None
    if isinstance(said, InboundBody) and said.channel != channel:
        raise Unfit("/channel")
    return said.arrival(value)
