"""What every payload has in common."""

from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict

from followup_contracts.channels import CHANNELS, Channel

__all__ = ["CHANNELS", "LANES", "Channel", "Lane", "Moment", "Payload"]

Lane = Literal["now", "later"]
LANES: tuple[Lane, ...] = ("now", "later")


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # the first or the last hours of the calendar, by another clock
        raise ValueError("the moment is outside the years 1 to 9999 in UTC") from None


def _written(value: Any) -> Any:
    # A number would be taken for seconds, or for milliseconds, since 1970.
    if isinstance(value, int | float) or (isinstance(value, str) and "-" not in value[1:]):
        raise ValueError("an instant is written as RFC 3339 has it: 2026-03-06T15:00:00Z")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_written), AfterValidator(_utc)]
"""An instant; naive times and numbers are refused, aware times are kept in UTC."""


class Payload(BaseModel):
    """The `data` of a message.

    A published class never changes; a new version is a new class with a new
    `type_name`. Readers ignore fields they do not know.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    type_name: ClassVar[str]

    def route(self) -> str:
        """The routing key: the type without its prefix, and what queues divide by."""
        return self.type_name.removeprefix("followup.")
