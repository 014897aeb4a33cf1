"""Which account of a channel a touch goes by."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup_directory import Account
from followup_dispatcher.core.preference import has_another, in_order, last_sender
from followup_policy.caps import PastContact

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)


def account(number: int, priority: int = 0) -> Account:
    return Account(
        id=UUID(int=number),
        tenant_id=UUID(int=99),
        channel="sms",
        provider="sandbox",
        name=f"a{number}",
        state="active",
        settings={},
        sealed=b"",
        priority=priority,
        reason=None,
        changed_at=NOW,
    )


FIRST, SECOND, THIRD = account(1, 0), account(2, 1), account(3, 2)
ALL = [THIRD, FIRST, SECOND]
NOBODY: frozenset[UUID] = frozenset()


@pytest.mark.parametrize(
    ("known", "left", "order"),
    [
        (NOBODY, {}, [FIRST, SECOND, THIRD]),
        (NOBODY, {FIRST.id: 0}, [SECOND, THIRD, FIRST]),
        (NOBODY, {FIRST.id: 1, SECOND.id: 0}, [FIRST, THIRD, SECOND]),
        ({SECOND.id}, {}, [SECOND, FIRST, THIRD]),
        ({SECOND.id}, {SECOND.id: 0}, [SECOND, FIRST, THIRD]),
        ({FIRST.id, SECOND.id}, {FIRST.id: 0}, [SECOND, FIRST, THIRD]),
    ],
    ids=["priority", "spent", "two spent", "known", "known and spent", "known twice"],
)
def test_the_known_go_first_then_those_with_something_left_then_by_priority(known, left, order):
    """A person keeps their number even on a day when it can say no more."""
    assert in_order(ALL, known=known, left=left) == order


def test_a_touch_of_several_segments_needs_as_many_left():
    """Two left are one too few for three."""
    assert in_order(ALL, known=NOBODY, left={FIRST.id: 2}, cost=3)[0] == SECOND
    assert in_order(ALL, known=NOBODY, left={FIRST.id: 3}, cost=3)[0] == FIRST


ACCOUNTS = st.lists(
    st.builds(account, st.integers(1, 6), st.integers(0, 2)), max_size=6, unique_by=lambda a: a.id
)
IDS = st.integers(1, 6).map(lambda number: UUID(int=number))


@given(ACCOUNTS, st.frozensets(IDS), st.dictionaries(IDS, st.integers(0, 3)), st.integers(1, 3))
def test_no_account_is_lost_and_another_is_never_one_that_is_spent(accounts, known, left, cost):
    """The order is one of all of them; where none has room for it, nobody is told of another."""
    ordered = in_order(accounts, known=known, left=left, cost=cost)
    assert sorted(a.id for a in ordered) == sorted(a.id for a in accounts)
    able = [a for a in accounts if left.get(a.id, cost) >= cost]
    for chosen in ordered:
        others = [a for a in able if a.id != chosen.id]
        if chosen not in able or not others:
            assert not has_another(chosen, accounts, known=known, left=left, cost=cost)
        elif chosen.id not in known:
            assert has_another(chosen, accounts, known=known, left=left, cost=cost)


def test_the_last_sender_of_the_channel_counts():
    """What another channel was written from says nothing, nor does what came before."""

    def past(channel, sender, days):
        return PastContact("t", channel, NOW - timedelta(days=days), "e:s", sender)

    history = [
        past("sms", "A", 3),
        past("sms", "B", 1),
        past("email", "C", 0),
        past("sms", None, 0),
    ]
    assert last_sender("sms", history) == "B"
    assert last_sender("voice", history) is None
