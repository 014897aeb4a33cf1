"""A tenant's endpoints: where its product wants to be told, and of what.

Secrets are sealed. While one is changed the former signs beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text

from followup_database import Row, Transaction, new_id
from followup_directory import Vault
from followup_messaging import feed

EndpointState = Literal["active", "disabled"]
MOST = 50
"""Endpoints of one tenant: each event is delivered to all of them."""
BY_REQUEST = "by request"
_CURRENT, _FORMER = "current", "former"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint of a tenant. No `types`: all of them, those to come too."""

    id: UUID
    tenant_id: UUID
    url: str
    types: Sequence[str]
    description: str
    state: EndpointState
    reason: str | None
    sealed: bytes
    former_until: datetime | None
    failures: int
    failing_since: datetime | None
    disabled_on: datetime | None
    created_at: datetime

    def secrets(self, vault: Vault, *, former: bool) -> tuple[str, ...]:
        """What it is signed with: the secret in force, and with `former` the one before."""
        opened = vault.open(self.sealed)
        names = (_CURRENT, _FORMER) if former else (_CURRENT,)
        return tuple(opened[name] for name in names if name in opened)


COLUMNS = """id, tenant_id, url, types, description, state, reason, secrets, former_until,
  failures, failing_since, disabled_on, created_at"""
_COUNT = text("SELECT count(*) FROM intake.endpoints WHERE tenant_id = :tenant_id")
# So that two made at once count each other.
_TURN = text("""
SELECT pg_advisory_xact_lock(hashtextextended('intake.endpoints:' || CAST(:tenant_id AS text), 0))
""")
_MAKE = text(f"""
INSERT INTO intake.endpoints (id, tenant_id, url, types, description, secrets, created_at)
VALUES (:id, :tenant_id, :url, CAST(:types AS text[]), :description, :sealed, :now)
RETURNING {COLUMNS}
""")
_LIST = text(f"SELECT {COLUMNS} FROM intake.endpoints WHERE tenant_id = :tenant_id ORDER BY id")
_ONE = text(f"SELECT {COLUMNS} FROM intake.endpoints WHERE tenant_id = :tenant_id AND id = :id")
_LOCKED = text(f"{_ONE.text} FOR UPDATE")
_CHANGE = text(f"""
UPDATE intake.endpoints SET url = COALESCE(:url, url),
  types = COALESCE(CAST(:types AS text[]), types),
  description = COALESCE(:description, description)
WHERE tenant_id = :tenant_id AND id = :id
RETURNING {COLUMNS}
""")
_ENABLE = text(f"""
UPDATE intake.endpoints SET state = 'active', reason = NULL, disabled_on = NULL, failures = 0,
  failing_since = NULL, rest_on = NULL, work_on = clock_timestamp()
WHERE tenant_id = :tenant_id AND id = :id
RETURNING {COLUMNS}
""")
_DISABLE = text(f"""
UPDATE intake.endpoints SET state = 'disabled', reason = :reason,
  disabled_on = COALESCE(disabled_on, clock_timestamp())
WHERE tenant_id = :tenant_id AND id = :id
RETURNING {COLUMNS}
""")
_SECRETS = text(f"""
UPDATE intake.endpoints SET secrets = :sealed,
  former_until = clock_timestamp() + CAST(:grace AS interval)
WHERE tenant_id = :tenant_id AND id = :id
RETURNING {COLUMNS}
""")
_DELETE = text("DELETE FROM intake.endpoints WHERE tenant_id = :tenant_id AND id = :id")


@dataclass(frozen=True, slots=True)
class TooMany:
    """The tenant has as many endpoints as it may."""


async def make_endpoint(
    tx: Transaction,
    tenant_id: UUID,
    *,
    url: str,
    types: Sequence[str],
    description: str,
    secret: str,
    vault: Vault,
) -> Endpoint | TooMany:
    """A new endpoint; it is told of what happens from now on."""
    await tx.run(_TURN, tenant_id=str(tenant_id))
    if await tx.scalar(_COUNT, tenant_id=tenant_id) >= MOST:
        return TooMany()
    await feed.follow(tx, tenant_id)
    row = await tx.first(
        _MAKE,
        id=new_id(),
        tenant_id=tenant_id,
        url=url,
        types=list(types),
        description=description,
        sealed=vault.seal({_CURRENT: secret}),
        now=tx.now,
    )
    if row is None:
        raise LookupError("an insert returned no row")
    return endpoint_of(row)


async def endpoints_of(tx: Transaction, tenant_id: UUID) -> list[Endpoint]:
    """A tenant's endpoints, oldest first."""
    return [endpoint_of(row) for row in await tx.all(_LIST, tenant_id=tenant_id)]


async def endpoint_by_id(
    tx: Transaction, tenant_id: UUID, endpoint_id: UUID, *, locked: bool = False
) -> Endpoint | None:
    """One endpoint; `locked`: nothing of it is claimed, recorded or added meanwhile."""
    row = await tx.first(_LOCKED if locked else _ONE, tenant_id=tenant_id, id=endpoint_id)
    return None if row is None else endpoint_of(row)


async def change_endpoint(
    tx: Transaction,
    tenant_id: UUID,
    endpoint_id: UUID,
    *,
    url: str | None = None,
    types: Sequence[str] | None = None,
    description: str | None = None,
) -> Endpoint | None:
    """Change what is named; None for an endpoint that is not there."""
    row = await tx.first(
        _CHANGE,
        tenant_id=tenant_id,
        id=endpoint_id,
        url=url,
        types=None if types is None else list(types),
        description=description,
    )
    return None if row is None else endpoint_of(row)


async def turn_endpoint(
    tx: Transaction, tenant_id: UUID, endpoint_id: UUID, state: EndpointState
) -> Endpoint | None:
    """Enable it, as if it had never failed, or disable it; None where it is not there."""
    if state == "active":
        row = await tx.first(_ENABLE, tenant_id=tenant_id, id=endpoint_id)
    else:
        row = await tx.first(_DISABLE, tenant_id=tenant_id, id=endpoint_id, reason=BY_REQUEST)
    return None if row is None else endpoint_of(row)


async def rotate_secret(
    tx: Transaction, endpoint: Endpoint, secret: str, *, vault: Vault, grace: timedelta
) -> Endpoint | None:
    """Sign with a new secret, and with the one before for a while; an older one ends now.

    Without a `grace` the new one alone, and nothing is asked of what was sealed before.
    Raises `SealBroken` when that does not open, and changes nothing.
    """
    wanted = {_CURRENT: secret}
    if grace:
        (wanted[_FORMER],) = endpoint.secrets(vault, former=False)
    row = await tx.first(
        _SECRETS,
        tenant_id=endpoint.tenant_id,
        id=endpoint.id,
        sealed=vault.seal(wanted),
        grace=grace,
    )
    return None if row is None else endpoint_of(row)


async def delete_endpoint(tx: Transaction, tenant_id: UUID, endpoint_id: UUID) -> bool:
    """Delete it; what was still to be delivered never is."""
    return await tx.run(_DELETE, tenant_id=tenant_id, id=endpoint_id) == 1


def endpoint_of(row: Row) -> Endpoint:
    """An endpoint from a row with `COLUMNS`."""
    found: dict[str, Any] = dict(row)
    sealed = bytes(found.pop("secrets"))
    return Endpoint(**found, sealed=sealed)
