"""A lead made up for a simulation, and the facts a decision about it would see. Pure."""

import json
from collections.abc import Hashable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
)

from followup_contracts.events import CallResult, Intent
from followup_contracts.payload import CHANNELS, Channel
from followup_policy.caps import SILENCED, silenced
from followup_policy.consent import ConsentState, consent
from followup_policy.house import NO_HOUSE, HouseRules
from followup_policy.zonenames import ZoneName
from followup_policy.zones import Place, Whereabouts, whereabouts
from followup_scheduler.core.deal import with_worth
from followup_scheduler.core.document import Sequence as Document
from followup_scheduler.core.format.looks import SOURCE
from followup_scheduler.core.format.part import Key
from followup_scheduler.core.model import Facts, ReplyRead
from followup_scheduler.core.routing import asked_for_help
from followup_scheduler.core.simulate import Outcomes, Simulation, simulate
from followup_scheduler.core.whens import parse_when

_Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)]


def _reckoned(moment: datetime) -> datetime:
    # Planning adds years and zones to it, which must stay inside the calendar.
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise ValueError(f"the year must be {_FIRST_YEAR} to {_LAST_YEAR}")
    return moment


def _supposed(text: str) -> str:
    parse_when(text)
    return text


_FIRST_YEAR, _LAST_YEAR = 1900, 2199
_MOST = 10**15
"""More than any deal is worth."""
_Moment = Annotated[AwareDatetime, AfterValidator(_reckoned)]
_Supposed = Annotated[str, StringConstraints(max_length=200), AfterValidator(_supposed)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ImaginedLead(_Part):
    """Who a simulation is played for. `channels`: those it left an address for.

    `value` is what it is worth, in `currency`; `attributes` are what else is known, such as
    `birthday`, `appointment` or `quote`.
    """

    source: _Text = "facebook_lead_ad"
    asked: bool | None = None
    audience: Literal["b2b", "b2c"] = "b2c"
    consent: ConsentState = "yes"
    channels: frozenset[Channel] = frozenset(CHANNELS)
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = "US"
    state: _Text | None = None
    postal_code: _Text | None = None
    city: _Text | None = None
    stated_zone: ZoneName | None = None
    phone: Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")] | None = None
    value: Annotated[Decimal, Field(ge=0, le=_MOST)] | None = None
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] | None = None
    attributes: Annotated[dict[str, Any], Field(max_length=200)] = {}

    def facts(self, house: HouseRules = NO_HOUSE) -> Facts:
        """What would be known of it; `house` is what its tenant adds to the law."""
        where = whereabouts(
            Place(
                stated_zone=self.stated_zone,
                country=self.country,
                state=self.state,
                postal_code=self.postal_code,
                city=self.city,
                phone=self.phone,
            )
        )
        asked = asked_for_help(self.source) if self.asked is None else self.asked
        refused = {
            channel: refusal
            for channel in CHANNELS
            if (refusal := self._refusal(channel, where, asked=asked, house=house)) is not None
        }
        return Facts(
            where=where,
            source=self.source,
            asked=asked,
            audience=self.audience,
            reachable=frozenset(CHANNELS) - frozenset(refused),
            refused=refused,
            attributes=with_worth(self.attributes, value=self.value, currency=self.currency),
            house=house,
        )

    def _refusal(
        self, channel: Channel, where: Whereabouts, *, asked: bool, house: HouseRules
    ) -> str | None:
        if channel not in self.channels:
            return "no usable address"
        if silenced(channel, where=where, house=house):
            return f"house:none: {SILENCED}"
        verdict = consent(channel, state=self.consent, asked=asked, where=where)
        return None if verdict.allowed else f"{verdict.rule}: {verdict.reason}"


class ImaginedReply(_Part):
    """An answer of the imagined person."""

    at: _Moment
    intent: Intent
    opt_out: bool = False


class Play(_Part):
    """What to simulate: for whom, from when, and what happens on the way.

    `calls` says by step how a call ends (else nobody answers), `failed` names steps
    whose touches fail, `tasks` how tasks end by step. `when` supposes what follows a
    touch, such as `day-1: reply.interested after 2h`.
    """

    lead: ImaginedLead = Field(default_factory=ImaginedLead)
    start: _Moment | None = None
    calls: Annotated[dict[str, CallResult], Field(max_length=200)] = {}
    failed: Annotated[frozenset[Key], Field(max_length=200)] = frozenset()
    tasks: Annotated[dict[str, str], Field(max_length=200)] = {}
    when: Annotated[tuple[_Supposed, ...], Field(max_length=100)] = ()
    replies: Annotated[tuple[ImaginedReply, ...], Field(max_length=100)] = ()
    document: dict[str, Any] | None = None

    def likeness(self, sequence: Document) -> Hashable:
        """What decides how it goes: plays of the same likeness go the same way.

        What the document does not look at makes no difference.
        """
        facts = self.lead.facts()
        seen = sequence.looks_at
        source = facts.source if SOURCE in seen else None
        attributes = {name: each for name, each in facts.attributes.items() if name in seen}
        known = json.dumps(
            [source, facts.asked, facts.audience, dict(facts.refused), attributes],
            sort_keys=True,
            default=str,
        )
        return (
            facts.where,
            frozenset(facts.reachable),
            known,
            self.model_dump_json(exclude={"lead"}),
        )

    def of(self, sequence: Document, *, now: datetime, house: HouseRules = NO_HOUSE) -> Simulation:
        """Play it; `now` is the start where none is named."""
        answers: Sequence[ReplyRead] = [
            ReplyRead(reply.intent, reply.opt_out, None, reply.at) for reply in self.replies
        ]
        return simulate(
            sequence,
            self.lead.facts(house),
            start=self.start or now,
            happenings=answers,
            outcomes=Outcomes(
                calls=self.calls,
                failed=self.failed,
                tasks=self.tasks,
                whens=tuple(map(parse_when, self.when)),
            ),
        )
