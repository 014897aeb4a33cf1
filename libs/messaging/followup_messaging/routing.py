"""How a topic exchange matches: words between dots, `*` for one, `#` for any number."""

from collections.abc import Sequence

from followup_contracts.topology import QUEUES, Queue


def matches(pattern: str, key: str) -> bool:
    """Whether a binding's pattern matches a routing key (AMQP 0-9-1, 3.1.3.3)."""
    return _match(pattern.split("."), key.split(".") if key else [])


def queues_for(exchange: str, key: str, queues: Sequence[Queue] = QUEUES) -> tuple[Queue, ...]:
    """The queues a message reaches; by name through the default exchange ""."""
    if exchange == "":
        return tuple(queue for queue in queues if queue.name == key)
    return tuple(
        queue
        for queue in queues
        if queue.exchange == exchange and any(matches(p, key) for p in queue.bindings)
    )


def _match(pattern: Sequence[str], words: Sequence[str]) -> bool:
    if not pattern:
        return not words
    head, rest = pattern[0], pattern[1:]
    if head == "#":
        return any(_match(rest, words[skip:]) for skip in range(len(words) + 1))
    return bool(words) and head in ("*", words[0]) and _match(rest, words[1:])
