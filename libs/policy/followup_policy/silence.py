"""The silence that some laws ask for after a refusal (`silence` in `data/quiet_hours.yaml`).

French law: whoever refuses in the course of a call is not contacted, nor is it tried, before
sixty calendar days have gone by (art. D. 223-9 Code de la consommation, by décret n° 2022-1313).
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from followup_policy.statutes import Silence, Statute, silences_for
from followup_policy.verdicts import ALLOWED, Channel, Verdict, refuse
from followup_policy.wallclock import local_date, starts_of_day
from followup_policy.zones import Whereabouts

_DAY = timedelta(days=1)


def silence(
    channel: Channel, *, refused_at: datetime | None, where: Whereabouts, now: datetime
) -> Verdict:
    """Whether a refusal at `refused_at` (None: there was none) still keeps a channel closed.

    The day of the refusal and as many whole days after it as the law says, by every clock the
    person may live by; `opens_at` is the moment the last of them is over everywhere.
    """
    if refused_at is None:
        return ALLOWED
    ends = [(_end(row, law, refused_at, where), row, law) for row, law in _binding(channel, where)]
    shut = max((each for each in ends if now < each[0]), key=lambda each: each[0], default=None)
    if shut is None:
        return ALLOWED
    until, row, law = shut
    return refuse(
        rule=f"R15:{row.jurisdiction}",
        reason=f"This person said no on {_told(refused_at, where)}, and {row.jurisdiction} "
        f"wants {law.days} days without contact after that ({row.source}).",
        opens_at=until,
    )


def _binding(channel: Channel, where: Whereabouts) -> Iterator[tuple[Statute, Silence]]:
    for row, law in silences_for(where.jurisdictions):
        if law.binds(channel):
            yield row, law


def _end(row: Statute, law: Silence, refused_at: datetime, where: Whereabouts) -> datetime:
    if not row.in_force(refused_at.date()):
        return refused_at
    days = (law.days + 1) * _DAY
    if not where.zones:
        return refused_at + days + _DAY  # whatever clock on earth the days are counted by
    return max(starts_of_day(zone, local_date(zone, refused_at) + days) for zone in where.zones)


def _told(refused_at: datetime, where: Whereabouts) -> str:
    zone = min(where.zones, default=None)
    return f"{refused_at.date() if zone is None else local_date(zone, refused_at):%Y-%m-%d}"
