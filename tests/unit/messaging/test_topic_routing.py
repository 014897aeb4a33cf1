import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup_contracts.registry import CONSUMERS
from followup_contracts.topology import COMMANDS, EVENTS, QUEUES
from followup_messaging.routing import matches, queues_for


@pytest.mark.parametrize(
    ("pattern", "key", "expected"),
    [
        ("a.b", "a.b", True),
        ("a.b", "a.b.c", False),
        ("a.*", "a.b", True),
        ("a.*", "a", False),
        ("a.*", "a.b.c", False),
        ("#", "", True),
        ("#", "a.b.c", True),
        ("a.#", "a", True),
        ("a.#.z", "a.z", True),
        ("a.#.z", "a.b.c.z", True),
        ("a.#.z", "a.b.c", False),
        ("*.#", "", False),
    ],
)
def test_topic_patterns(pattern: str, key: str, expected: bool) -> None:  # noqa: FBT001 - a table
    """`*` is one word, `#` any number (AMQP 0-9-1, 3.1.3.3)."""
    assert matches(pattern, key) is expected


WORDS = st.lists(st.sampled_from(["a", "b", "*", "#"]), min_size=1, max_size=5)
KEYS = st.lists(st.sampled_from(["a", "b", "c"]), max_size=6)


@given(WORDS, KEYS)
def test_patterns_agree_with_regular_expressions(pattern: list[str], key: list[str]) -> None:
    """The same language, written another way: each word of the key ends in a dot."""
    parts = {"*": r"[^.]+\.", "#": r"(?:[^.]+\.)*"}
    expression = "".join(parts.get(word, re.escape(word) + r"\.") for word in pattern)
    text = "".join(word + "." for word in key)
    expected = re.fullmatch(expression, text) is not None
    assert matches(".".join(pattern), ".".join(key)) is expected


def test_every_service_that_must_handle_an_event_has_a_queue_for_it() -> None:
    """What the registry promises the topology delivers, on either lane."""
    for kind, services in CONSUMERS.items():
        route = kind.removeprefix("followup.")
        for service, suffix in product(
            services, (".now", ".later") if "captured" in kind else ("",)
        ):
            reached = queues_for(EVENTS, route + suffix)
            assert [queue.service for queue in reached].count(service) == 1


def test_the_default_exchange_reaches_one_queue_by_name() -> None:
    """And none that does not exist."""
    assert [queue.name for queue in queues_for("", "replies.sent")] == ["replies.sent"]
    assert queues_for("", "replies.nothing") == ()


def test_a_command_reaches_one_queue() -> None:
    """Channel and lane select exactly one."""
    queues = queues_for(COMMANDS, "touch.send.v1.email.later")
    assert [queue.name for queue in queues] == ["dispatcher.email.later"]
    assert len({queue.name for queue in QUEUES}) == len(QUEUES)
