"""The pytest plugin: a fixture `followup`, loaded by itself where followup-embedded is there.

    def test_a_new_customer_is_thanked(followup):
        followup.http.post("/v1/leads", json={"phone": "+12125550100", "consent": "yes"})
        [thanks] = followup.outbox()
        assert thanks.channel == "sms"

Override `followup_start`, `followup_settings` or `followup_business` to have it otherwise.
"""

# Every pytest of an environment loads this: what is heavy is imported when it is asked for.
# ruff: noqa: PLC0415
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from followup_embedded.rehearsal import Rehearsal
    from followup_embedded.scratch import ScratchServer


@pytest.fixture(scope="session")
def followup_server() -> "Iterator[ScratchServer]":
    """A PostgreSQL of this session's own; each test has a database of its own in it."""
    from anyio.from_thread import start_blocking_portal

    from followup_embedded.scratch import ScratchServer

    with start_blocking_portal() as portal:
        server = portal.call(ScratchServer.start)
    yield server
    server.stop()


@pytest.fixture
def followup_start() -> datetime:
    """When business time begins: a Monday, ten o'clock in New York."""
    return datetime(2026, 3, 2, 15, tzinfo=UTC)


@pytest.fixture
def followup_settings() -> Mapping[str, Any]:
    """Settings by name (`public_url` …) that are to be other than their defaults."""
    return {}


@pytest.fixture
def followup_business() -> Mapping[str, Any]:
    """Settings of the tenant: what messages say of the business, its rules."""
    from followup_embedded.rehearsal import BUSINESS

    return BUSINESS


@pytest.fixture
def followup(
    followup_server: "ScratchServer",
    followup_start: datetime,
    followup_settings: Mapping[str, Any],
    followup_business: Mapping[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> "Iterator[Rehearsal]":
    """A Followup of this test's own, with nobody in it, in sandbox, on a clock that stands."""
    from anyio.from_thread import start_blocking_portal

    from followup_embedded.rehearsal import rehearsal
    from followup_runtime.settings import Settings

    database = followup_server.database()
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(database) as url:
        given = {"data_dir": tmp_path_factory.mktemp("followup"), **followup_settings}
        settings = Settings.model_validate({"database_url": url, **given})
        with rehearsal(settings, start=followup_start, business=followup_business) as running:
            yield running
