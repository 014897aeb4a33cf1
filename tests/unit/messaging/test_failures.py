from uuid import uuid4

import asyncpg
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError, OperationalError

from followup_database.errors import is_conflict
from followup_messaging.failures import describe, origin
from followup_messaging.identity import Identity, identify

MESSAGE_ID, TENANT = uuid4(), uuid4()


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:  # noqa: BLE001 - to give it a traceback
        return caught


def test_a_failure_is_told_in_one_line() -> None:
    """Kind, first line and place; no more than fits."""
    text = describe(raised(ValueError("first\nsecond")))
    assert text.startswith("ValueError: first (test_failures.py:")
    assert len(describe(ValueError("x" * 5000))) <= 500


def test_a_database_error_keeps_its_values_to_itself() -> None:
    """Statement, parameters and DETAIL may hold a person's data."""
    cause = asyncpg.UniqueViolationError("duplicate key value\nDETAIL: Key (phone)=(+15550100)")
    error = IntegrityError("INSERT … VALUES ($1)", {"phone": "+15550100"}, Exception())
    error.orig.__cause__ = cause
    text = describe(raised(error))
    assert text.startswith("UniqueViolationError: duplicate key value (")
    assert "5550100" not in text


def test_conflicts_are_known_by_their_state() -> None:
    """A deadlock is somebody else's doing; a violated constraint is not."""
    deadlock, unique = Exception(), Exception()
    deadlock.sqlstate, unique.sqlstate = "40P01", "23505"
    assert is_conflict(OperationalError("", {}, deadlock))
    assert not is_conflict(IntegrityError("", {}, unique))
    assert not is_conflict(ValueError())


def test_an_error_without_a_trace_has_no_origin() -> None:
    """Nothing is made up."""
    assert origin(ValueError()) == "unknown"


def test_ids_are_read_where_nothing_else_can_be() -> None:
    """Of a type unknown here, the ids still count, and its name."""
    body = f'{{"id": "{MESSAGE_ID}", "tenantid": "{TENANT}", "type": "new"}}'
    assert identify(body.encode()) == Identity(MESSAGE_ID, TENANT, "new")
    assert identify(b'{"id": 7, "tenantid": "x"}') == Identity()


@given(
    st.binary(max_size=300)
    | st.recursive(
        st.none() | st.text() | st.floats(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ).map(lambda value: str(value).encode())
)
def test_identifying_never_fails(body: bytes) -> None:
    """Whatever the bytes are, there is an answer."""
    assert isinstance(identify(body), Identity)


def test_deep_nesting_is_no_identity() -> None:
    """A bomb of brackets is refused, not followed."""
    assert identify(b"[" * 200_000) == Identity()
