"""What bounds the pace of an account and of each number it sends from.

Settings of an account: `rate_per_second` and `burst` (segments of texts, calls or e-mails),
`per_day` with `day_zone` (default UTC) and `warm_up` (`from`, `first_day`, `growth`),
`brand` (`id`, `segments_per_day`), `campaign` (`id`, `segments_per_minute`).

A number listed without a rate of its own has that of its kind. Sources, as of November
2026: one segment a second for a long code, 3 for toll-free, 100 for a short code (AWS End
User Messaging, "Message parts per second limits"; twilio.com error 21611). A brand's day on
T-Mobile ends at midnight Pacific time, 2,000 to 200,000 segments by trust score; a campaign
on AT&T has 75 to 4,500 segments a minute (Telnyx and Bird, 10DLC throughput). Nobody knows a
number's network before a message is sent, so every text counts.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from followup_policy.zonenames import ZoneName

LONG_CODE, TOLL_FREE, SHORT_CODE = 1.0, 3.0, 100.0
"""Segments a second of a North American number."""

USUAL: Mapping[tuple[str, str], float] = {("twilio", "voice"): 1.0}
"""Vendor and channel → the rate of an account that says none, where the vendor would queue
what is above it: a call that comes out of a queue a day later comes in quiet hours.
Twilio: one call a second by default, a queue of 24 hours (twilio.com error 22005)."""

_TOLL_FREE = re.compile(r"\+18(?:00|33|44|55|66|77|88)\d{7}")
_LONG_CODE = re.compile(r"\+1\d{10}")
_SHORT_CODE = re.compile(r"\d{5,6}")
_PACIFIC = "America/Los_Angeles"


Name = Annotated[str, Field(min_length=1, max_length=64)]


@dataclass(frozen=True, slots=True)
class Pace:
    """So many units a second, and how many at once after a pause. 1 means an even stream."""

    key: str
    per_second: float
    burst: int = 1


@dataclass(frozen=True, slots=True)
class Budget:
    """So many units a day, which ends at midnight in `zone`.

    `coming` are the figures of the days after it: one that warms up has more each day.
    """

    key: str
    per_day: int
    zone: str
    coming: tuple[int, ...] = ()


Limit = Pace | Budget


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class WarmUp(_Settings):
    """A new sender's days: `first_day` on the day `from`, each later one `growth` times more."""

    since: date = Field(alias="from")
    first_day: int = Field(ge=1)
    growth: float = Field(default=1.5, ge=1.0, le=10.0)

    def limit(self, day: date) -> int | None:
        """How many on that day; None once it is past counting."""
        days = (day - self.since).days
        if days < 0:
            return 0
        grown = self.first_day * self.growth ** min(days, _GROWN)
        return None if grown > _PLENTY else int(grown)


_GROWN, _PLENTY = 120, 10_000_000

DAYS_AHEAD = 7
"""How far ahead a touch is told its day; whoever would wait longer comes to ask then."""


class Brand(_Settings):
    """A 10DLC brand; its day is shared by all accounts that name it."""

    id: Name
    segments_per_day: int = Field(ge=0)
    day_zone: ZoneName = _PACIFIC


class Campaign(_Settings):
    """A 10DLC campaign; its minutes are shared by all accounts that name it."""

    id: Name
    segments_per_minute: int = Field(ge=1)


class AccountLimits(_Settings):
    """The part of an account's settings that bounds its pace; `ValidationError` if wrong."""

    rate_per_second: float | None = Field(default=None, gt=0, le=100_000)
    burst: int = Field(default=1, ge=1, le=100_000)
    per_day: int | None = Field(default=None, ge=0)
    day_zone: ZoneName = "UTC"
    warm_up: WarmUp | None = None
    brand: Brand | None = None
    campaign: Campaign | None = None

    def of(
        self, account_id: UUID, tenant_id: UUID, *, now: datetime, usual: float | None = None
    ) -> tuple[Limit, ...]:
        """What bounds every touch of the account at this moment, the widest first.

        `usual` is the rate of an account that says none.
        """
        found: list[Limit] = []
        rate = usual if self.rate_per_second is None else self.rate_per_second
        if rate is not None:
            found.append(Pace(f"account:{account_id}", rate, self.burst))
        found += self.budgets(account_id, tenant_id, now=now)
        if self.campaign is not None:
            pace = self.campaign.segments_per_minute / 60
            found.append(Pace(f"campaign:{tenant_id}:{self.campaign.id}", pace))
        return tuple(found)

    def budgets(self, account_id: UUID, tenant_id: UUID, *, now: datetime) -> tuple[Budget, ...]:
        """What bounds every day of the account."""
        found: list[Budget] = []
        today = now.astimezone(ZoneInfo(self.day_zone)).date()
        per_day = self._per_day(today)
        if per_day is not None:
            days = (today + timedelta(days=ahead) for ahead in range(1, DAYS_AHEAD + 1))
            coming = tuple(_PLENTY if (n := self._per_day(day)) is None else n for day in days)
            found.append(Budget(f"account-day:{account_id}", per_day, self.day_zone, coming))
        if self.brand is not None:
            key, per_day = f"brand-day:{tenant_id}:{self.brand.id}", self.brand.segments_per_day
            found.append(Budget(key, per_day, self.brand.day_zone, (per_day,) * DAYS_AHEAD))
        return tuple(found)

    def _per_day(self, day: date) -> int | None:
        warm = self.warm_up.limit(day) if self.warm_up else None
        limits = [limit for limit in (self.per_day, warm) if limit is not None]
        return min(limits, default=None)


def read_limits(settings: Mapping[str, Any]) -> AccountLimits:
    """The limits in an account's settings; raises `ValueError` that names the wrong one."""
    try:
        return AccountLimits.model_validate(settings)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{where}: {first['msg']}") from None


def rate_of_kind(address: str) -> float | None:
    """Segments a second of a sender of texts by what kind of number it is; None: no rule known."""
    if _TOLL_FREE.fullmatch(address):
        return TOLL_FREE
    if _SHORT_CODE.fullmatch(address):
        return SHORT_CODE
    return LONG_CODE if _LONG_CODE.fullmatch(address) else None
