"""The pytest plugin: `pytest_plugins = ["followup_testkit.fixtures"]`.

Session: `owners` (to be overridden by the tests' conftest), `postgres_server`,
`rabbit`, `own_rabbit`. Function: `database_url`, `databases`, `amqp_url`, `bus`
(parametrised: "inprocess", "rabbitmq").
"""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest

from followup_database import Owner
from followup_messaging.inprocess import InProcessBus
from followup_messaging.port import Bus
from followup_messaging.rabbitmq import RabbitBus, delete_topology
from followup_runtime.databases import Databases
from followup_testkit.brokers import Broker, OwnBroker, find_broker, own_broker
from followup_testkit.clocks import MovableClock
from followup_testkit.databases import PostgresForTests
from followup_testkit.reaper import Reaper


@pytest.fixture(scope="session")
def reaper() -> Iterator[Reaper]:
    """Ends what this session started, however the session ends."""
    reaper = Reaper()
    yield reaper
    reaper.close()


@pytest.fixture(scope="session")
def run_folder(reaper: Reaper) -> Iterator[Path]:
    """A folder for servers' data. Short: sockets in it must fit in 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="followup-"))
    folder.chmod(0o755)  # the embedded server runs as another user under root
    reaper.delete(folder)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def owners() -> Sequence[Owner]:
    """The schemas a test database has; the tests' conftest says which."""
    raise NotImplementedError("override the fixture `owners` in conftest.py")


@pytest.fixture(scope="session")
def postgres_server(
    run_folder: Path, reaper: Reaper, owners: Sequence[Owner]
) -> Iterator[PostgresForTests]:
    """The server, with a migrated template."""
    server = PostgresForTests.start(run_folder, reaper)
    asyncio.run(server.prepare(owners))
    yield server
    asyncio.run(server.stop())


@pytest.fixture
async def database_url(postgres_server: PostgresForTests) -> AsyncIterator[str]:
    """The address of a migrated database without a row in it, for this test alone."""
    url = await postgres_server.borrow()
    yield url
    await postgres_server.give_back(url)


@pytest.fixture
def clock() -> MovableClock:
    """Business time that stands until the test moves it."""
    return MovableClock()


@pytest.fixture
async def databases(database_url: str) -> AsyncIterator[Databases]:
    """Both pools of a process on an empty database, on the database's own clock."""
    databases = Databases.open(database_url, api_pool=4, worker_pool=8)
    yield databases
    await databases.close()


@pytest.fixture(scope="session")
def rabbit(run_folder: Path, reaper: Reaper) -> Iterator[Broker]:
    """The session's broker; fails the tests that need it when none can be had."""
    broker = find_broker(run_folder / "rabbit", reaper)
    yield broker
    if broker.shared:
        asyncio.run(delete_topology(broker.url))
    broker.stop()


@pytest.fixture(scope="session")
def own_rabbit(
    request: pytest.FixtureRequest, run_folder: Path, reaper: Reaper
) -> Iterator[OwnBroker]:
    """A broker that tests may kill and wipe: the session's if it is ours, else one more."""
    shared = request.getfixturevalue("rabbit")
    if not shared.shared:
        yield shared
        return
    broker = own_broker(run_folder / "own-rabbit", reaper)
    yield broker
    broker.stop()


@pytest.fixture
async def amqp_url(rabbit: Broker) -> str:
    """The broker's address, with nothing of ours on it when the test begins."""
    await delete_topology(rabbit.url)
    return rabbit.url


@pytest.fixture(params=["inprocess", "rabbitmq"])
def bus_address(request: pytest.FixtureRequest) -> str | None:
    """None for the in-process bus, else the broker's address: the test runs with each."""
    if request.param == "inprocess":
        return None
    return str(request.getfixturevalue("amqp_url"))


@pytest.fixture
async def bus(bus_address: str | None) -> AsyncIterator[Bus]:
    """A connected bus; the test runs once with each adapter."""
    bus: Bus = InProcessBus() if bus_address is None else RabbitBus(bus_address)
    await bus.connect()
    yield bus
    await bus.close()
