"""A real RabbitMQ for tests, wherever one can be had.

The address in FOLLOWUP_TEST_AMQP_URL; else a container, if Docker answers; else a
private node of the `rabbitmq-server` that is installed; else, as root on Debian or
Ubuntu, after installing it. If none works the run fails and says what to do.
"""

import os
from pathlib import Path
from typing import Protocol

from followup_testkit.containers import ContainerBroker
from followup_testkit.errors import NoBroker
from followup_testkit.node import PrivateNode, find_server
from followup_testkit.packages import install
from followup_testkit.reaper import Reaper

VARIABLE = "FOLLOWUP_TEST_AMQP_URL"
_ADVICE = (
    f"tests need a RabbitMQ (3.10 to 4.x): set {VARIABLE}, or start Docker, or install"
    " rabbitmq-server (Debian and Ubuntu: apt-get install rabbitmq-server)"
)


class Broker(Protocol):
    """A broker that tests may use. `shared`: somebody else's, so it is left as it was."""

    url: str
    shared: bool

    def stop(self) -> None:
        """End it, if it is ours."""
        ...


class OwnBroker(Broker, Protocol):
    """A broker nobody else uses."""

    def kill(self) -> None:
        """End it without a warning; it answers nobody until `start`.

        A node killed right after a quorum queue was deleted and made again may not be
        able to start that queue (seen with 3.10: its names on disk lag behind).
        """
        ...

    def shut_down(self) -> None:
        """End it in order; it answers nobody until `start`."""
        ...

    def start(self) -> None:
        """Start it with the data it has, and wait until it answers, at the same address."""
        ...

    def wipe(self) -> None:
        """Kill it, delete its data and start it empty, at the same address."""
        ...

    def control(self, *arguments: str, given: str = "") -> str:
        """What `rabbitmqctl` says, with `given` to read; fails if it does."""
        ...


class GivenBroker:
    """Somebody else's, by its address."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.shared = True

    def stop(self) -> None:
        """Nothing: it is not ours to end."""


def find_broker(folder: Path, reaper: Reaper) -> Broker:
    """The broker this run uses; raises `NoBroker`."""
    if given := os.environ.get(VARIABLE):
        return GivenBroker(given)
    return own_broker(folder, reaper)


def own_broker(folder: Path, reaper: Reaper) -> OwnBroker:
    """A started broker that is this run's own; raises `NoBroker`."""
    reasons: list[str] = []
    try:
        return ContainerBroker.run(reaper)
    except NoBroker as reason:
        reasons.append(str(reason))
    try:
        failed = install("rabbitmq-server", missing=lambda: find_server() is None)
        if failed is not None:
            raise NoBroker(failed)
        return PrivateNode.run(folder, reaper)
    except NoBroker as reason:
        reasons.append(str(reason))
    raise NoBroker("; ".join([_ADVICE, *reasons]))
