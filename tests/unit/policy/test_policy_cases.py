"""All rules at once against a checker that knows none of their code.

Random persons, channels, histories and moments; the checker walks clocks and counts by
hand. `FOLLOWUP_CASES=100000` asks that many times.
"""

import os
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from naive_law import LAW, VOICE, off_days, open_here

from followup_policy.caps import PastContact
from followup_policy.check import Check, check
from followup_policy.zones import Whereabouts

CASES = int(os.environ.get("FOLLOWUP_CASES", "3000"))
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ZONES = (
    "America/New_York", "America/Chicago", "America/Los_Angeles", "America/St_Johns",
    "Pacific/Honolulu", "Europe/London", "Europe/Paris", "Asia/Kolkata", "Australia/Lord_Howe",
)  # fmt: skip
PLACES = sorted({*LAW, *VOICE, "BR", "JP", "CA-ON"} - {"elsewhere", "US-unknown"})
OPT_IN = {"GB", "FR", "DE", "ES", "IT"}
ASKED = {"US": {"sms", "email"}, "CA": {"sms", "email"}, "AU": {"sms", "email"}}
THREE_A_DAY = {"US-FL", "US-MD", "US-OK", "US-OR"}


def laws(where):
    """The rows that may bind a person: of states and countries, or the safe one."""
    names = where.jurisdictions | {name[:2] for name in where.jurisdictions}
    if "US" in names and not any(name.startswith("US-") for name in names):
        names |= {"US-unknown"}
    known = {name for name in names if name in LAW or name in VOICE}
    return known | {"elsewhere" for name in names - known if len(name) == 2}


def consented(case):
    if case.consent != "unknown":
        return case.consent == "yes"
    asked = case.asked or case.transactional
    for country in {name[:2] for name in case.where.jurisdictions}:
        open_channels = {"email"} if country in OPT_IN else {"sms", "email"}
        if country == "CA" and not case.transactional and case.asked_at is not None:
            asked = asked and case.now - case.asked_at <= 180 * DAY
        if not asked:
            open_channels = {"email"} if country == "US" else set()
        if case.channel not in open_channels:
            return False
        asked = case.asked or case.transactional
    return True


def open_minute(case, at):
    """Whether every law is open on every clock, and for a business the day a weekday."""
    for zone in case.where.zones:
        local = at.astimezone(ZoneInfo(zone))
        for name in laws(case.where):
            if case.channel == "email":
                continue
            clock = at.astimezone(ZoneInfo("America/Chicago")) if name == "US-MS" else local
            if not open_here(case.channel, name, clock):
                return False
    return True


def weekday(case, at):
    days = [at.astimezone(ZoneInfo(zone)).weekday() for zone in case.where.zones]
    return case.audience == "b2c" or case.transactional or all(day < 5 for day in days)


def part(case, at):
    locals_ = [at.astimezone(ZoneInfo(zone)) for zone in case.where.zones]
    ordered = sorted(locals_, key=lambda local: (local.utcoffset(), str(local.tzinfo)))
    hour = ordered[(len(ordered) - 1) // 2].hour
    bands = {**dict.fromkeys(range(5, 12), 1), 12: 2, 13: 2, **dict.fromkeys(range(14, 17), 3)}
    return bands.get(hour, 4 if 17 <= hour < 22 else 5)


def within(case, at, hours, channels, *, own=False):
    run = case.round.split(":")[0]
    return sum(
        past.channel in channels
        and abs(at - past.at) < hours * HOUR
        and (not own or past.round.split(":")[0] == run)
        for past in case.history
    )


CALLS = {"US-ME": (1, 8), "FR": (4, 720), "CA-BC": (1, 720), "DE": (3, 24)}


def full(case, at, name):
    """Whether a law's count is used up."""
    rung = {"voice", "sms"}
    if case.channel == "voice" and name in CALLS:
        count, hours = CALLS[name]
        week = name == "DE" and within(case, at, 168, {"voice"}) >= 15
        return week or within(case, at, hours, {"voice"}, own=name == "CA-BC") >= count
    if case.channel in rung and name in THREE_A_DAY:
        return within(case, at, 24, rung) >= 3
    unknown = case.channel in rung and name == "US-unknown"
    return unknown and within(case, at, 24, {*rung, "email"}) >= 3


def frequent(case, at):
    """R1, R2, R3 and R6 by the calendar leaf of every clock."""

    def dates(moment):
        return {(zone, moment.astimezone(ZoneInfo(zone)).date()) for zone in case.where.zones}

    today = [past for past in case.history if dates(past.at) & dates(at)]
    if not case.transactional:
        if case.channel == "sms" and any(past.channel == "sms" for past in today):
            return True
        if any(past.round != case.round for past in today):
            return True
    if case.channel == "email":
        return any(p.channel == "email" and abs(at - p.at) < 48 * HOUR for p in case.history)
    run = case.round.split(":")[0]
    calls = [
        p
        for p in case.history
        if p.channel == "voice" and p.round.split(":")[0] == run and p.at <= at
    ]
    if case.channel == "voice" and calls:
        last = max(calls, key=lambda p: (p.at, p.round != case.round))
        return last.round != case.round and part(case, at) == part(case, last.at)
    return False


def hushed(case, at):
    """Whether France has the days counted that follow a refusal: sixty, on a wall calendar."""
    if case.refused_at is None or case.transactional or case.channel == "email":
        return False
    if not any(name[:2] == "FR" for name in case.where.jurisdictions):
        return False
    for zone in case.where.zones:
        said = case.refused_at.astimezone(ZoneInfo(zone)).date()
        if (at.astimezone(ZoneInfo(zone)).date() - said).days <= 60:
            return True
    return False


def may(case, at):
    return (
        consented(case)
        and not hushed(case, at)
        and all(open_minute(case, at + n * MINUTE / 2) for n in range(3))
        and weekday(case, at)
        and not any(full(case, at, name) for name in laws(case.where))
        and not frequent(case, at)
    )


class Case:
    """One person, one wish, one moment."""

    def __init__(self, random):
        start = datetime(2026, 1, 5, tzinfo=UTC)
        self.now = start + timedelta(seconds=random.randrange(1000 * 86400))
        if random.random() < 0.3:
            self.now = self.now.replace(minute=random.choice([0, 29, 59]), second=0)
        self.channel = random.choice(["sms", "voice", "email"])
        self.where = Whereabouts(
            frozenset(random.sample(ZONES, random.choice([1, 1, 2]))), self._places(random)
        )
        self.consent = random.choice(["yes", "yes", "yes", "unknown", "no"])
        self.asked = random.random() < 0.8
        self.asked_at = self.now - random.randrange(400) * DAY if random.random() < 0.8 else None
        silent = random.random() < 0.3
        self.refused_at = self.now - random.randrange(75 * 24 * 60) * MINUTE if silent else None
        self.audience = random.choice(["b2b", "b2c"])
        self.transactional = random.random() < 0.3
        self.round = f"e{random.randrange(2)}:{random.randrange(3)}"
        self.history = [
            PastContact(
                f"t{n}",
                random.choice(["sms", "voice", "email"]),
                self.now - random.randrange(1, random.choice([1500, 6000, 45000])) * MINUTE,
                f"e{random.randrange(2)}:{random.randrange(3)}",
            )
            for n in range(random.choice([0, 0, 0, 1, 2, 4, 6]))
        ]

    @staticmethod
    def _places(random):
        names = set(random.sample(PLACES, random.choice([1, 1, 2])))
        return frozenset(names | {name[:2] for name in names})

    def asked_check(self):
        return Check(
            self.channel,
            self.round,
            self.where,
            self.consent,
            asked=self.asked,
            history=self.history,
            transactional=self.transactional,
            audience=self.audience,
            asked_at=self.asked_at,
            refused_at=self.refused_at,
        )

    def __str__(self):
        return f"{vars(self)}"


def test_the_rules_agree_with_a_checker_that_knows_none_of_their_code():
    """Allowed means allowed by hand; and of one in fifty no minute before its opening is."""
    random, allowed = Random(20261122), 0  # noqa: S311 - cases, the same each time
    for number in range(CASES):
        case = Case(random)
        verdict = check(case.asked_check(), now=case.now)
        assert verdict.allowed == may(case, case.now), f"{case} {verdict}"
        allowed += verdict.allowed
        if verdict.opens_at is None or number % 50:
            continue
        assert may(case, verdict.opens_at), f"{case} {verdict}"
        at = case.now
        while at < min(verdict.opens_at, case.now + 2 * DAY):
            assert not may(case, at), f"{case} {at} {verdict}"
            at += 15 * MINUTE
    assert CASES / 20 < allowed < CASES * 19 / 20


def test_the_checker_knows_every_holiday_the_law_names():
    """What it is compared with has holidays at all: else agreement would prove nothing."""
    for name in ("US-AL", "US-LA", "US-PA", "US-RI", "US-UT", "US-unknown", "DE", "FR", "CA-BC"):
        assert len(off_days(name)) > 20, name
