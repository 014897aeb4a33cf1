"""Slots within every limit at once, on a clock of the tests' own."""

from datetime import UTC, datetime, timedelta
from heapq import heapify, heappop, heappush
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from followup_dispatcher.core.limits import Budget, Pace, read_limits
from followup_dispatcher.core.slots import Full, Page, Slot, Wish, allot

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
LONG_AGO = NOW - timedelta(hours=1)
SECOND = timedelta(seconds=1)
ACCOUNT = Pace("account:a", 5.0)
HORIZON = 2 * SECOND


def pages(*limits, **more):
    return {limit.key: Page(LONG_AGO) for limit in limits} | more


def ask(wishes, held, now=NOW):
    answers, changed = allot(wishes, held, now=now)
    return answers, {**held, **changed}


def starts(answers):
    return [answer.at for answer in answers if isinstance(answer, Slot)]


PACES = st.builds(Pace, st.just("account:a"), st.floats(0.2, 100), st.integers(1, 20))
COSTS = st.lists(st.integers(1, 10), min_size=1, max_size=40)


@given(pace=PACES, costs=COSTS)
def test_no_window_holds_more_than_the_pace_and_its_burst(pace, costs):
    """Of any two touches the units between them fit the time between them, but for the burst."""
    answers, _ = ask([Wish((pace,), cost, HORIZON) for cost in costs], pages(pace))
    slots = [(a.at, cost) for a, cost in zip(answers, costs, strict=True) if isinstance(a, Slot)]
    for first in range(len(slots)):
        units = 0
        for at, cost in slots[first:]:
            between = (at - slots[first][0]).total_seconds()
            assert units <= between * pace.per_second + pace.burst - 1 + 1e-3
            units += cost


@given(pace=PACES, costs=COSTS)
def test_nobody_passes_who_was_sent_away(pace, costs):
    """The first that finds no slot ends the run for everybody behind it, in order of turns."""
    answers, _ = ask([Wish((pace,), cost, HORIZON) for cost in costs], pages(pace))
    served = [isinstance(answer, Slot) for answer in answers]
    assert served == sorted(served, reverse=True)
    turns = [answer.not_before for answer in answers if isinstance(answer, Full)]
    assert turns == sorted(turns)
    assert all(NOW < turn <= NOW + timedelta(minutes=10) for turn in turns)
    assert all(NOW <= at <= NOW + HORIZON for at in starts(answers))


@given(
    account=st.floats(1, 50),
    senders=st.lists(st.floats(0.5, 5), min_size=1, max_size=5),
    picks=st.lists(st.integers(0, 4), min_size=1, max_size=60),
)
def test_every_limit_holds_for_itself(account, senders, picks):
    """Touches of a pool keep the pace of their number and together that of the account."""
    whole = Pace("account:a", account)
    pool = [Pace(f"sender:{n}", rate) for n, rate in enumerate(senders)]
    chosen = [pool[pick % len(pool)] for pick in picks]
    answers, _ = ask([Wish((whole, own), 1, HORIZON) for own in chosen], pages(whole, *pool))
    given_ = [(a.at, own) for a, own in zip(answers, chosen, strict=True) if isinstance(a, Slot)]
    for pace in (whole, *pool):
        own_starts = sorted(at for at, own in given_ if pace in (whole, own))
        for earlier, later in pairwise(own_starts):
            assert (later - earlier).total_seconds() >= 1 / pace.per_second - 1e-3


def test_a_number_that_is_busy_takes_no_slots_from_the_account():
    """Twenty touches of a slow number and five of a free one: the five begin at once."""
    slow, free = Pace("sender:slow", 1.0), Pace("sender:free", 100.0)
    wishes = [Wish((ACCOUNT, slow), 1, HORIZON)] * 20 + [Wish((ACCOUNT, free), 1, HORIZON)] * 5
    answers, after = ask(wishes, pages(ACCOUNT, slow, free))
    assert len(starts(answers[20:])) == 5
    assert after["account:a"].next_at <= NOW + 1.5 * SECOND


class Replica:
    """A dispatcher's side of it: takes a batch of what has come, asks, sends the rest away."""

    def __init__(self, offset):
        self.next_turn = NOW + offset


def play(pace, *, replicas, batch, backlog, lasts):
    """Every start within a time, of touches that come again when they were told to."""
    held, moments = pages(pace), []
    line = [(NOW, n) for n in range(backlog)]
    heapify(line)
    desks = [Replica(timedelta(milliseconds=7 * n)) for n in range(replicas)]
    now = NOW
    while now < NOW + lasts:
        desk = min(desks, key=lambda each: each.next_turn)
        now = desk.next_turn
        desk.next_turn = now + timedelta(milliseconds=50)
        taken = []
        while line and line[0][0] <= now and len(taken) < batch:
            taken.append(heappop(line))
        answers, held = ask([Wish((pace,), 1, HORIZON)] * len(taken), held, now)
        for (_, number), answer in zip(taken, answers, strict=True):
            match answer:
                case Slot(at=at):
                    moments.append(at)
                case Full(not_before=not_before):
                    heappush(line, (not_before, number))
    return sorted(at for at in moments if at < NOW + lasts)


@pytest.mark.parametrize("replicas", [1, 5])
def test_replicas_keep_fifty_a_second_over_every_second_and_waste_nothing(replicas):
    """Five at 50/s: 50 ± 1 in each second, whenever it begins, and less than 3 % unused."""
    lasts = timedelta(seconds=30)
    moments = play(Pace("account:a", 50.0), replicas=replicas, batch=64, backlog=3000, lasts=lasts)
    assert len(moments) >= 0.97 * 50 * 30
    for first, at in enumerate(moments):
        within = sum(at <= each < at + SECOND for each in moments[first : first + 60])
        assert within <= 51
    whole = [at for at in moments if at < NOW + lasts - SECOND]
    for at in whole:
        assert sum(at <= each < at + SECOND for each in moments) >= 49


ZONES = st.sampled_from(["America/Los_Angeles", "UTC", "Asia/Kolkata", "Australia/Lord_Howe"])


@settings(max_examples=50)
@given(
    zone=ZONES,
    per_day=st.integers(0, 12),
    gaps=st.lists(st.integers(0, 20 * 3600), max_size=30),
    costs=st.lists(st.integers(1, 3), min_size=30, max_size=30),
)
def test_a_days_budget_is_never_overdrawn_and_opens_with_the_zones_day(zone, per_day, gaps, costs):
    """On no day of the zone's clock more than the budget; who is sent away comes after midnight."""
    budget = Budget("brand:b", per_day, zone)
    held, now, spent = pages(budget), NOW, {}
    for gap, cost in zip(gaps, costs, strict=False):
        now += gap * SECOND
        (answer,), held = ask([Wish((budget,), cost, HORIZON)], held, now)
        day = now.astimezone(ZoneInfo(zone)).date()
        if isinstance(answer, Slot):
            spent[day] = spent.get(day, 0) + cost
            assert spent[day] <= per_day
        else:
            assert spent.get(day, 0) + cost > per_day
            opens = answer.not_before.astimezone(ZoneInfo(zone))
            assert (opens.date() - day).days == 1
            assert (opens.hour, opens.minute) in ((0, 0), (0, 30), (1, 0))


def test_a_brands_day_ends_at_midnight_in_california():
    """At 23:59 there the budget is spent, a minute later it is whole."""
    budget = Budget("brand:b", 1, "America/Los_Angeles")
    night = datetime(2026, 3, 3, 7, 59, tzinfo=UTC)
    first, held = ask([Wish((budget,), 1, HORIZON)], pages(budget), night)
    again, held = ask([Wish((budget,), 1, HORIZON)], held, night)
    assert starts(first)
    assert again[0].not_before == datetime(2026, 3, 3, 8, 0, 5, tzinfo=UTC)
    later, _ = ask([Wish((budget,), 1, HORIZON)], held, again[0].not_before)
    assert starts(later)


WEEK = 7


@settings(max_examples=50)
@given(per_day=st.integers(0, 9), backlog=st.integers(0, 150), late=st.integers(0, 2 * WEEK))
def test_a_backlog_is_spread_over_the_days_it_takes(per_day, backlog, late):
    """Nobody is told a day beyond a week, on each a few more come than can go, and none is lost."""
    budget = Budget("account-day:a", per_day, "UTC", (per_day,) * WEEK)
    held, comes, sent = pages(budget), {0: backlog}, {}
    for day in range(120):
        came = comes.pop(day, 0)
        now = NOW + timedelta(days=day + (late if day else 0))
        answers, held = ask([Wish((budget,), 1, HORIZON)] * came, held, now)
        sent[day] = len(starts(answers))
        for answer in answers:
            if isinstance(answer, Full):
                assert answer.day
                ahead = (answer.not_before.date() - now.date()).days
                assert 1 <= ahead <= WEEK
                comes[day + ahead] = comes.get(day + ahead, 0) + 1
    assert max(sent.values()) <= per_day
    assert sum(sent.values()) + sum(comes.values()) == backlog
    if per_day:
        assert sum(sent.values()) == min(backlog, 120 * per_day)
        full = backlog // per_day
        assert all(sent[day] == per_day for day in range(min(full, WEEK)))


def test_what_comes_each_day_is_not_the_whole_backlog():
    """A thousand behind a hundred a day: on no day do more than a few hundred ask."""
    budget = Budget("account-day:a", 100, "UTC", (100,) * WEEK)
    held, comes = pages(budget), {0: 1000}
    asked = []
    for day in range(12):
        wishes = [Wish((budget,), 1, HORIZON)] * comes.pop(day, 0)
        answers, held = ask(wishes, held, NOW + timedelta(days=day))
        asked.append((len(wishes), len(starts(answers))))
        for answer in answers:
            if isinstance(answer, Full):
                ahead = (answer.not_before.date() - NOW.date()).days
                comes[ahead] = comes.get(ahead, 0) + 1
    assert [went for _, went in asked] == [100] * 10 + [0] * 2
    assert max(came for came, _ in asked[1:]) <= 300


def test_what_hurries_comes_on_the_next_day_whoever_waits():
    """A reminder behind a backlog of weeks is not told a day after its appointment."""
    budget = Budget("account-day:a", 1, "UTC", (1,) * WEEK)
    line = [Wish((budget,), 1, HORIZON)] * 20
    answers, _ = ask([*line, Wish((budget,), 1, HORIZON, urgent=True)], pages(budget))
    days = [(answer.not_before.date() - NOW.date()).days for answer in answers[1:]]
    assert days[-2:] == [WEEK, 1]


def test_a_line_that_was_halted_is_forgotten_within_a_week():
    """Nobody says that it is gone; what is told meanwhile is a week at most."""
    budget = Budget("account-day:a", 2, "UTC", (2,) * WEEK)
    _, held = ask([Wish((budget,), 1, HORIZON)] * 5000, pages(budget))
    later = NOW + timedelta(days=WEEK)
    answers, _ = ask([Wish((budget,), 1, HORIZON)] * 3, held, later)
    assert (answers[2].not_before.date() - later.date()).days == 1


def test_one_that_could_go_by_another_account_is_told_no_day():
    """It lost a race for the last unit, comes again at once and finds the other account."""
    budget = Budget("account-day:a", 0, "UTC", (0,) * WEEK)
    (answer,), after = ask([Wish((budget,), 1, HORIZON, elsewhere=True)], pages(budget))
    assert not answer.day
    assert answer.not_before <= NOW + SECOND
    assert after == pages(budget)


def test_a_crowd_that_is_due_at_once_is_gone_as_fast_as_its_account_may_send():
    """mautic#10648, mautic#2870: what is due at eight does not go out fifteen hours later."""
    lasts = timedelta(seconds=52)
    moments = play(Pace("account:a", 100.0), replicas=3, batch=64, backlog=5000, lasts=lasts)
    assert len(moments) == 5000
    assert moments[-1] <= NOW + timedelta(seconds=51.5)


@pytest.mark.parametrize(("growth", "per_day"), [(1.5, None), (3.0, 200), (1.0, 25)])
def test_a_sender_that_warms_up_uses_all_of_every_day(growth, per_day):
    """Each day more may go, and as many have come for it as can."""
    warm = {"from": NOW.date().isoformat(), "first_day": 10, "growth": growth}
    limits = read_limits({"warm_up": warm, "per_day": per_day})
    account = UUID(int=1)
    (budget,) = limits.budgets(account, account, now=NOW)
    held, comes, left = pages(budget), {0: 800}, 800
    for day in range(20):
        now = NOW + timedelta(days=day)
        (budget,) = limits.budgets(account, account, now=now)
        wishes = [Wish((budget,), 1, HORIZON)] * comes.pop(day, 0)
        answers, held = ask(wishes, held, now)
        assert len(starts(answers)) == min(budget.per_day, left)
        left -= len(starts(answers))
        for answer in answers:
            if isinstance(answer, Full):
                ahead = (answer.not_before.date() - NOW.date()).days
                comes[ahead] = comes.get(ahead, 0) + 1
