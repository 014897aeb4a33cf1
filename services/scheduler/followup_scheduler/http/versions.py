"""`/v1/sequences/{key}`: versions, what differs between them, and publishing one."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from followup_scheduler.core.format.part import Key
from followup_scheduler.http.bodies import Request, SequenceBody
from followup_scheduler.publishing import Order, Plan, Publication


class PublicationOrder(Request):
    """How to publish a version.

    `plan`: runs under way keep their version (`pin`), go over to this one (`migrate`), or
    to this one and each that follows (`follow`); left out, the last publication's counts,
    at first `pin`. `steps` says under which id a step goes on that is gone or has another
    name now. `per_second` runs go over a second. With `preview` nothing happens.
    """

    plan: Plan | None = None
    steps: Annotated[dict[Key, Key], Field(default_factory=dict, max_length=200)]
    per_second: Annotated[int, Field(ge=1, le=10_000)] = 100
    preview: bool = False

    def order(self) -> Order:
        """The same for the publisher."""
        return Order(self.plan, self.steps, self.per_second, self.preview)


class StandingBody(BaseModel):
    """Live runs on one step of one version, and where they go on if they go over.

    `goes_to` null: they have not begun, or nothing is left for them and they end.
    """

    version: int
    step: str | None
    state: str
    leads: int
    goes_to: str | None


class PublishedBody(SequenceBody):
    """What publishing did, or, as a preview, would do.

    `changes`: what differs from the version before, in words. `moving`: how many runs go
    over to this version.
    """

    preview: bool
    plan: Plan
    changes: list[str]
    standing: list[StandingBody]
    moving: int

    @classmethod
    def of(cls, shown: SequenceBody, done: Publication, *, preview: bool) -> "PublishedBody":
        """The answer to one publication."""
        return cls.model_validate(
            {
                **shown.model_dump(),
                "preview": preview,
                "plan": done.plan,
                "changes": done.changes,
                "standing": [
                    StandingBody.model_validate(each, from_attributes=True)
                    for each in done.standing
                ],
                "moving": done.moving,
            }
        )


class VersionBody(BaseModel):
    """One version; `leads` are its live runs."""

    version: int
    state: Literal["draft", "published"]
    plan: Plan
    created_at: datetime
    published_at: datetime | None
    leads: int


class MoveBody(BaseModel):
    """Runs on their way to a version: how many have gone over, and whether all have."""

    version: int
    moved: int
    per_second: int
    started_at: datetime
    finished_at: datetime | None


class VersionsBody(BaseModel):
    """A sequence's versions, newest first, and the last time its runs were moved."""

    key: str
    versions: list[VersionBody]
    move: MoveBody | None


class DifferenceBody(BaseModel):
    """What differs between two versions, a sentence each."""

    key: str
    from_version: int
    to_version: int
    changes: list[str]
