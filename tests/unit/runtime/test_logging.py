import io
import json
import logging as stdlib

import asyncpg
import pytest
import structlog
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.exc import IntegrityError

from followup_runtime import logging
from followup_runtime.telemetry import (
    bind,
    current_traceparent,
    is_traceparent,
    new_traceparent,
    trace_id,
)


@pytest.fixture
def lines():
    root = stdlib.getLogger()
    before = (root.handlers[:], root.level)
    stream = io.StringIO()
    logging.configure(stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers, root.level = before
    structlog.reset_defaults()


def test_every_record_is_a_line_of_json_with_its_trace(lines):
    """Ours and the libraries' alike."""
    with bind(None) as traceparent:
        structlog.get_logger("followup.test").info("lead.saved", lead_id="1")
        stdlib.getLogger("library").warning("slow by %d s", 3)
    structlog.get_logger("followup.test").info("later")
    ours, theirs, later = lines()
    assert (ours["event"], ours["lead_id"], ours["level"]) == ("lead.saved", "1", "info")
    assert theirs["event"] == "slow by 3 s"
    assert ours["trace_id"] == theirs["trace_id"] == trace_id(traceparent)
    assert "trace_id" not in later


@pytest.mark.parametrize(
    "text",
    ["pat.o'hara+x@mail.example.com", "+12025550100", "+1 202 555 0100", "12025550100"],
)
def test_addresses_in_texts_and_tracebacks_are_blotted_out(lines, text):
    """Libraries put values into their errors; none of them gets into a log."""
    try:
        raise RuntimeError(f"Key (match_key)=({text}) already exists.")
    except RuntimeError:
        structlog.get_logger().exception("save.failed", note=f"to {text}")
        stdlib.getLogger("library").exception("failed for %s", text)
    ours, theirs = lines()
    assert "2025550100" not in json.dumps([ours, theirs]).replace(" ", "")
    assert "example.com" not in json.dumps([ours, theirs])
    assert "RuntimeError" in ours["exception"]


SECRET = "Ada Lovelace\nsaid: call me"


def _refused():
    """What SQLAlchemy raises when asyncpg refuses a row, made as both make it."""
    driver = asyncpg.NotNullViolationError('null value in column "id"')
    driver.detail = f"Failing row contains (null, {SECRET})."
    adapted = AsyncAdapt_asyncpg_dbapi.IntegrityError(f"{type(driver)}: {driver}", driver)
    adapted.sqlstate = driver.sqlstate
    adapted.__cause__ = driver
    return IntegrityError("INSERT INTO persons …", None, adapted)


def _raise(error, wrapper):
    try:
        raise error from error.orig
    except IntegrityError as caught:
        if wrapper is None:
            raise
        raise wrapper(caught) from caught


@pytest.mark.parametrize(
    "wrapper",
    [
        None,
        lambda error: RuntimeError(f"not saved: {error}"),
        lambda error: ExceptionGroup("several", [error, ValueError(str(error))]),
    ],
)
def test_what_a_database_quotes_is_not_logged(lines, wrapper):
    """Type, SQLSTATE and place are; rows are not, however the error was passed on."""
    try:
        _raise(_refused(), wrapper)
    except Exception as error:
        structlog.get_logger().exception("save.failed", error=error)
        stdlib.getLogger("library").error("failed: %r", error, exc_info=error)
    logged = lines()
    for line in logged:
        assert "23502" in line["exception"]
        assert "IntegrityError" in line["exception"]
        assert "test_logging.py" in line["exception"]
        assert "_raise" in line["exception"]
    assert len(logged) == 2
    assert "Lovelace" not in json.dumps(logged)
    assert "call me" not in json.dumps(logged)


def test_other_exceptions_keep_their_texts(lines):
    """And what they came from."""
    try:
        try:
            {}["here"]
        except KeyError as missing:
            raise RuntimeError("nothing there") from missing
    except RuntimeError as error:
        structlog.get_logger().exception("failed", why=error)
    [line] = lines()
    assert "KeyError: 'here'" in line["exception"]
    assert "RuntimeError: nothing there" in line["exception"]
    assert line["why"] == "RuntimeError: nothing there"


def test_ids_and_times_stay_readable(lines):
    """UUIDs and counts are what one looks for."""
    given = {"touch_id": "01a200e0-4745-765f-b59c-123456789012", "took": "12.345678", "n": 1234567}
    structlog.get_logger().info("touch.sent", **given)
    [line] = lines()
    assert given.items() <= line.items()


def test_levels_below_the_one_set_are_dropped(lines):
    """Debugging is asked for."""
    structlog.get_logger().debug("detail")
    stdlib.getLogger("httpx").info("HTTP Request: GET …")
    assert lines() == []


@pytest.mark.parametrize(
    "given", [None, "", "rubbish", f"00-{'0' * 32}-{'1' * 16}-01", f"ff-{'1' * 32}-{'1' * 16}-01"]
)
def test_a_malformed_trace_is_replaced(given):
    """What callers send is carried on only if it is a traceparent."""
    with bind(given) as mine:
        assert is_traceparent(mine)
        assert mine != given
        assert current_traceparent() == mine
    assert current_traceparent() is None


def test_a_good_trace_is_carried_on():
    """Nested work has its own, the outer one comes back."""
    outer = new_traceparent()
    with bind(outer):
        with bind(new_traceparent()) as inner:
            assert current_traceparent() == inner
        assert current_traceparent() == outer
