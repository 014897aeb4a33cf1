"""Whether a person may be contacted on a channel at all (`data/consent.yaml`)."""

from datetime import date, timedelta
from functools import cache, lru_cache
from typing import Literal

from pydantic import model_validator

from followup_policy.errors import PolicyDataError
from followup_policy.packaged import Row, load
from followup_policy.verdicts import ALLOWED, Channel, Verdict, refuse
from followup_policy.zones import Whereabouts

ConsentState = Literal["yes", "no", "unknown"]


class Openness(Row):
    """The channels open without consent on record; fields as told in the data file."""

    asked: frozenset[Channel]
    human: frozenset[Channel]
    cold: frozenset[Channel]
    asked_days: int | None = None
    source: str
    as_of: date


class JurisdictionOpenness(Openness):
    """The same, for some jurisdictions."""

    jurisdictions: frozenset[str]


class ConsentTable(Row):
    """`data/consent.yaml`."""

    granted: frozenset[Channel]
    rows: tuple[JurisdictionOpenness, ...]
    elsewhere: Openness
    unknown: Openness

    @model_validator(mode="after")
    def _once(self) -> "ConsentTable":
        names = [name for row in self.rows for name in row.jurisdictions]
        if len(names) != len(set(names)):
            raise PolicyDataError("consent.yaml: a jurisdiction stands in two rows")
        return self


def consent(
    channel: Channel,
    *,
    state: ConsentState,
    asked: bool,
    where: Whereabouts,
    machine: bool = True,
    transactional: bool = False,
    asked_ago: timedelta | None = None,
) -> Verdict:
    """Whether consent allows the channel; the strictest of all candidate jurisdictions wins.

    "no" closes every channel, "yes" opens every one. Unknown: people who asked (or arranged
    what a transactional touch is about) are answered on the channels the jurisdiction's row
    has for that, people who never asked on those of cold contact. Where an enquiry implies
    consent for some days alone (`asked_days`), one longer ago than that is none. `machine=False`
    asks for a contact a person of ours makes. Waiting never helps: `opens_at` is None.
    Rule ids are "consent" for a refusal, else "consent:" and the jurisdiction (R15).
    """
    match state:
        case "no":
            return refuse(rule="consent", reason="The person has refused consent.")
        case "yes":
            return (
                ALLOWED
                if channel in consent_table().granted
                else _closed(channel, "granted", "the table")
            )
        case "unknown":
            ago = None if transactional else asked_ago
            return _without_record(
                channel, asked=asked or transactional, ago=ago, where=where, machine=machine
            )


def _without_record(
    channel: Channel, *, asked: bool, ago: timedelta | None, where: Whereabouts, machine: bool
) -> Verdict:
    for name, row in _rows(where.jurisdictions):
        lasts = row.asked_days is None or ago is None or ago <= timedelta(days=row.asked_days)
        answering = row.asked if machine else row.asked | row.human
        open_channels = answering if asked and lasts else row.cold
        if channel not in open_channels:
            how = "cold" if not asked else "asked" if lasts else "long ago"
            return _closed(channel, how, name)
    return ALLOWED


def _closed(channel: Channel, how: str, name: str) -> Verdict:
    who = {"asked": "who asked", "long ago": "who asked long ago"}.get(how, "who never asked")
    return refuse(
        rule=f"consent:{name}",
        reason=f"Without recorded consent, {name} leaves {channel} closed to people {who}.",
    )


@lru_cache(maxsize=4096)
def _rows(jurisdictions: frozenset[str]) -> tuple[tuple[str, Openness], ...]:
    """The row of each jurisdiction: its own, else its country's, else that of elsewhere."""
    table = consent_table()
    own = {name: row for row in table.rows for name in row.jurisdictions}
    names = {name if name in own else name.partition("-")[0] for name in jurisdictions}
    found = tuple((name, own.get(name, table.elsewhere)) for name in sorted(names))
    return found or (("an unknown country", table.unknown),)


@cache
def consent_table() -> ConsentTable:
    """The packaged table of whose yes is needed for what."""
    return load("consent.yaml", ConsentTable)
