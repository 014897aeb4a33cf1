"""Silence after a refusal."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup_policy.check import Check, check
from followup_policy.silence import silence
from followup_policy.zones import Place, Whereabouts, whereabouts

PARIS = ZoneInfo("Europe/Paris")
FRANCE = whereabouts(Place(country="FR"))
SAID = datetime(2026, 3, 2, 23, 30, tzinfo=PARIS)
OPENS = datetime(2026, 5, 2, tzinfo=PARIS)
"""Sixty whole days behind the 2nd of March, over the change of clocks."""
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("channel", ["voice", "sms", "whatsapp", "instagram"])
def test_france_wants_sixty_whole_days_of_silence(channel):
    """By the calendar on the wall, not by hours; texts and messengers are held like calls."""
    asked = {"refused_at": SAID, "where": FRANCE}
    refused = silence(channel, now=OPENS - SECOND, **asked)
    assert (refused.rule, refused.opens_at) == ("R15:FR", OPENS)
    assert refused.reason == (
        "This person said no on 2026-03-02, and FR wants 60 days without contact after that "
        "(décret n° 2022-1313 du 13 octobre 2022)."
    )
    assert silence(channel, now=OPENS, **asked).allowed


def test_nobody_else_is_silenced():
    """E-mail, other countries, and whoever has not refused."""
    soon = SAID + timedelta(days=1)
    assert silence("email", refused_at=SAID, where=FRANCE, now=soon).allowed
    for country in ("DE", "US", "GB"):
        there = whereabouts(Place(country=country))
        assert silence("voice", refused_at=SAID, where=there, now=soon).allowed
    assert silence("voice", refused_at=None, where=FRANCE, now=soon).allowed
    # Where a French number is all that is known of somebody in Germany, both laws bind.
    both = whereabouts(Place(country="DE", phone="+33612345678"))
    assert not silence("voice", refused_at=SAID, where=both, now=soon).allowed


def test_what_solicits_nothing_is_not_kept_back():
    """A reminder of what was arranged, and an answer to what they have just written."""
    monday = datetime(2026, 3, 9, 11, tzinfo=PARIS)
    told = {"consent": "yes", "asked": True, "refused_at": SAID}

    def ask(**more):
        return check(Check("sms", "e:1", FRANCE, **told, **more), now=monday)

    kept = ask()
    # The 2nd of May is a Saturday, and texts are open from eight.
    assert (kept.rule, kept.opens_at) == ("R15:FR", OPENS + timedelta(hours=8))
    assert "said no on 2026-03-02" in kept.reason
    assert ask(transactional=True).allowed
    assert ask(answering=True).allowed
    assert not ask(machine=False).allowed


ZONES = ("Europe/Paris", "America/Guadeloupe", "Indian/Reunion", "Pacific/Apia", "Pacific/Tahiti")


@given(
    zones=st.sets(st.sampled_from(ZONES)),
    seconds=st.integers(0, 2 * 365 * 86400),
)
def test_the_end_is_behind_sixty_days_on_every_clock(zones, seconds):
    """At the opening sixty dates lie between on each clock, a second before they do not on one."""
    said = datetime(2026, 1, 1, tzinfo=UTC) + seconds * SECOND
    where = Whereabouts(frozenset(zones), frozenset({"FR"}))
    opens = silence("voice", refused_at=said, where=where, now=said).opens_at

    def passed(at):
        return [
            (at.astimezone(ZoneInfo(z)).date() - said.astimezone(ZoneInfo(z)).date()).days
            for z in zones or ("Etc/GMT-14", "Etc/GMT+12")
        ]

    assert min(passed(opens)) > 60
    assert silence("voice", refused_at=said, where=where, now=opens).allowed
    assert not silence("voice", refused_at=said, where=where, now=opens - SECOND).allowed
    if zones:
        assert min(passed(opens - SECOND)) == 60
