"""The law spelt out a second time and asked moment by moment: shares no code with the rules.

Typed from the statutes, so it holds the data files to them as well.
"""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import holidays

# Hours as decimals: (Monday to Friday, Saturday, Sunday, holiday); "same": no holiday rule.
ALL, NONE, SAME = [(8, 21)], [], "same"
LAW = {
    "US": (ALL, ALL, ALL, SAME),
    "US-AL": ([(8, 20)], [(8, 20)], NONE, NONE),
    "US-CT": ([(9, 20)], [(9, 20)], [(9, 20)], SAME),
    "US-FL": ([(8, 20)], [(8, 20)], [(8, 20)], SAME),
    "US-IL": ([(9, 21)], [(9, 21)], [(9, 21)], SAME),
    "US-KY": ([(10, 21)], [(10, 21)], [(10, 21)], SAME),
    "US-LA": ([(8, 20)], [(8, 20)], NONE, NONE),
    "US-MA": ([(8, 20)], [(8, 20)], [(8, 20)], SAME),
    "US-MD": ([(8, 20)], [(8, 20)], [(8, 20)], SAME),
    "US-ME": ([(9, 17)], NONE, NONE, SAME),
    "US-MI": ([(9, 21)], [(9, 21)], [(9, 21)], SAME),
    "US-MN": ([(9, 21)], [(9, 21)], [(9, 21)], SAME),
    "US-MS": ([(8, 20)], [(8, 20)], NONE, SAME),
    "US-NE": (ALL, ALL, [(13, 21)], [(13, 21)]),
    "US-NJ": (ALL, ALL, ALL, SAME),
    "US-NM": ([(9, 21)], [(9, 21)], [(9, 21)], SAME),
    "US-NV": ([(9, 20)], [(9, 20)], [(9, 20)], SAME),
    "US-NY": (ALL, ALL, ALL, SAME),
    "US-OR": ([(8, 20)], [(8, 20)], [(8, 20)], SAME),
    "US-PA": ([(9, 19)], [(9, 19)], NONE, NONE),
    "US-RI": ([(9, 18)], [(10, 17)], NONE, NONE),
    "US-SC": (ALL, ALL, ALL, SAME),
    "US-TX": ([(9, 21)], [(9, 21)], [(12, 21)], SAME),
    "US-UT": (ALL, ALL, NONE, NONE),
    "US-VA": (ALL, ALL, ALL, SAME),
    "US-WA": ([(8, 20)], [(8, 20)], [(8, 20)], SAME),
    "US-WY": ([(8, 20)], [(8, 20)], [(8, 20)], SAME),
    "US-OH": (ALL, ALL, ALL, SAME),  # no row: the federal hours
    "CA": ([(9, 21.5)], [(10, 18)], [(10, 18)], SAME),
    "CA-BC": ([(9, 21.5)], [(10, 18)], [(10, 18)], NONE),
    "GB": (ALL, [(9, 21)], NONE, NONE),
    "DE": ([(8, 20)], [(9, 18)], NONE, NONE),
    "ES": ([(9, 21)], NONE, NONE, NONE),
    "IT": ([(9, 20)], [(10, 19)], NONE, NONE),
    "AU": ([(9, 20)], [(9, 17)], NONE, NONE),
    "IN": ([(10, 21)], [(10, 21)], [(10, 21)], SAME),
    "US-unknown": ([(10, 19)], [(10, 17)], NONE, NONE),  # of no state: inside all rows
    "elsewhere": ([(9, 20)], [(10, 17)], NONE, SAME),  # a country without a row
}
VOICE = {
    "US-IN": ([(9, 20)], [(9, 20)], [(9, 20)], SAME),
    "US-OK": ([(9, 20)], [(9, 20)], [(9, 20)], SAME),
    "FR": ([(10, 13), (14, 20)], NONE, NONE, NONE),
}
SMS = {
    "US-IN": (ALL, ALL, ALL, SAME),
    "US-OK": ([(8, 20)], [(8, 20)], [(8, 20)], SAME),
    "FR": ([(8, 22)], [(8, 22)], NONE, NONE),
}
PARTS = {
    "GB": ["ENG", "SCT", "WLS", "NIR"],
    "DE": [
        "BB",
        "BE",
        "BW",
        "BY",
        "HB",
        "HE",
        "HH",
        "MV",
        "NI",
        "NW",
        "RP",
        "SH",
        "SL",
        "SN",
        "ST",
        "TH",
    ],
    "ES": [
        "AN",
        "AR",
        "AS",
        "CB",
        "CE",
        "CL",
        "CM",
        "CN",
        "CT",
        "EX",
        "GA",
        "IB",
        "MC",
        "MD",
        "ML",
        "NC",
        "PV",
        "RI",
        "VC",
    ],
}
EASTER = {2026: date(2026, 4, 5), 2027: date(2027, 3, 28), 2028: date(2028, 4, 16)}
ELECTION = {2026: date(2026, 11, 3), 2027: date(2027, 11, 2), 2028: date(2028, 11, 7)}
_known: dict[str, set[date]] = {}


def off_days(name):
    """The holidays of a jurisdiction in 2026-2028, straight from the calendars."""
    if name not in _known:
        country, _, state = name.partition("-")
        years = range(2025, 2030)
        found = set(holidays.country_holidays(country, years=years))
        for part in [state] if state and state != "unknown" else PARTS.get(country, []):
            found |= set(holidays.country_holidays(country, subdiv=part, years=years))
        if name == "US-unknown":
            found = set().union(*(off_days(f"US-{n}") for n in ("LA", "PA", "RI", "UT")))
            found |= set(holidays.country_holidays("US", subdiv="AL", years=years))
        if name in ("US-PA", "US-LA"):
            found |= {day - timedelta(days=2) for day in EASTER.values()}
        if name == "US-PA":
            found |= {date(y, 6, 14) for y in EASTER} | set(ELECTION.values())
        if name == "US-LA":
            found |= {day - timedelta(days=47) for day in EASTER.values()}
        if name == "US-AL":
            found |= {d - timedelta(days=1) for d in found if d.weekday() == 5}
            found |= {d + timedelta(days=1) for d in found if d.weekday() == 6}
        _known[name] = found
    return _known[name]


def open_here(channel, name, local):
    """Whether one jurisdiction's law is open at one reading of a wall clock."""
    law = {**LAW, **(VOICE if channel == "voice" else SMS)}[name]
    day = local.date()
    if name == "US-PA" and day < date(2026, 10, 18):
        law = (ALL, ALL, ALL, NONE)
    weekday, saturday, sunday, holiday = law
    hours = sunday if day.weekday() == 6 else saturday if day.weekday() == 5 else weekday
    if name == "IT" and day.weekday() < 5 and day + timedelta(days=1) in off_days(name):
        hours = [(10, 19)]
    if holiday != SAME and day in off_days(name):
        hours = holiday
    now = local.hour + local.minute / 60 + local.second / 3600 + local.microsecond / 3.6e9
    return any(start <= now < end for start, end in hours)


def open_at(channel, where, at):
    for name in where.jurisdictions:
        zones = ["America/Chicago"] if name == "US-MS" else where.zones
        for zone in zones:
            if not open_here(channel, name, at.astimezone(ZoneInfo(zone))):
                return False
    return True


def allowed_slowly(channel, where, at, span):
    """Every half minute of the span, both ends counted."""
    step, moments = timedelta(seconds=30), [at + span]
    while at < moments[0]:
        moments.append(at)
        at += step
    return all(open_at(channel, where, moment) for moment in moments)
