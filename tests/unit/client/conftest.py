from collections.abc import Iterator
from threading import Thread

import pytest
from client_desk import Caller, Desk


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    thread = Thread(target=desk.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield desk
    desk.shutdown()
    desk.server_close()
    thread.join()


@pytest.fixture(params=["blocking", "asyncio"])
def caller(request: pytest.FixtureRequest) -> Caller:
    """The test runs once with each client."""
    return Caller(request.param)
