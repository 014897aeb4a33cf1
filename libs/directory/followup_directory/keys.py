"""API keys: 256 random bits, kept as their SHA-256 alone.

A key is looked up by its hash. What an index comparison may leak about a hash of 256
random bits helps nobody; the row found is compared again in constant time all the same.
"""

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from sqlalchemy import text

from followup_database import Transaction, new_id
from followup_directory.errors import WeakKey

ALL_SCOPES = "*"
READ_ALL = "read"
CELL = "cell:admin"
"""The operator's scope: tenants themselves. `*` does not cover it, and no key can be given
it by one that lacks it."""
_SUBJECTS = (
    *("accounts", "attributes", "consent", "endpoints", "enrollments", "keys", "leads"),
    *(
        "messages",
        "persons",
        "routing",
        "rules",
        "sequences",
        "sources",
        "suppressions",
        "tasks",
        "touches",
    ),
)
SCOPES = frozenset(
    {ALL_SCOPES, READ_ALL, CELL, "audit:read", "events:read", "persons:erase"}
    | {f"{subject}:{way}" for subject in _SUBJECTS for way in ("read", "write")}
)
"""What a key can be given."""
_PREFIX = "fu_"
_SHORTEST, _LONGEST = 8, 512

_FIND = text("""
    SELECT k.id, k.tenant_id, k.hash, k.scopes, k.per_minute,
        k.last_used_at IS NULL OR k.last_used_at < clock_timestamp() - interval '1 minute' AS stale
    FROM directory.api_keys k
    JOIN directory.tenants t ON t.id = k.tenant_id
    WHERE k.hash = :hash AND k.revoked_at IS NULL AND t.state = 'active'
      AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp())
""")
# Seldom and never waiting: a request must not queue behind another for a statistic.
_USED = text("""
    UPDATE directory.api_keys SET last_used_at = clock_timestamp()
    WHERE id = (
        SELECT id FROM directory.api_keys WHERE id = :id AND tenant_id = :tenant_id
        FOR UPDATE SKIP LOCKED
    )
""")
_CREATE = text("""
    INSERT INTO directory.api_keys
        (id, tenant_id, name, hash, scopes, per_minute, expires_at)
    VALUES (:id, :tenant_id, :name, :hash, CAST(:scopes AS text[]), :per_minute, :expires_at)
    ON CONFLICT (hash) DO NOTHING
""")
_OWNER = text("SELECT tenant_id FROM directory.api_keys WHERE hash = :hash")
_LIST = text("""
    SELECT id, name, scopes, created_at, last_used_at, revoked_at, expires_at, per_minute,
        replaced_by
    FROM directory.api_keys
    WHERE tenant_id = :tenant_id ORDER BY created_at, id
""")
_REVOKE = text("""
    UPDATE directory.api_keys SET revoked_at = clock_timestamp()
    WHERE id = :id AND tenant_id = :tenant_id AND revoked_at IS NULL
""")
_REPLACE = text("""
    UPDATE directory.api_keys k
    SET replaced_by = :new_id, expires_at = LEAST(
        COALESCE(k.expires_at, 'infinity'), clock_timestamp() + make_interval(secs => :grace))
    FROM (
        SELECT id, expires_at FROM directory.api_keys
        WHERE id = :id AND tenant_id = :tenant_id AND revoked_at IS NULL AND replaced_by IS NULL
          AND (expires_at IS NULL OR expires_at > clock_timestamp())
        FOR UPDATE
    ) old
    WHERE k.id = old.id AND k.tenant_id = :tenant_id
    RETURNING k.name, k.scopes, k.per_minute, old.expires_at
""")


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever a request speaks for. `per_minute`: how often it may ask; None without limit."""

    tenant_id: UUID
    key_id: UUID
    scopes: frozenset[str]
    per_minute: int | None = None

    def may(self, scope: str) -> bool:
        """Whether the key carries this scope (`leads:write`), or one that covers it.

        `read` covers whatever ends in `:read`, `*` covers everything but the operator's
        `cell:admin`.
        """
        if scope in self.scopes or (ALL_SCOPES in self.scopes and scope != CELL):
            return True
        return READ_ALL in self.scopes and scope.endswith(":read")


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made; its token is shown now and never again."""

    id: UUID
    token: str


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as its tenant may see it."""

    id: UUID
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    expires_at: datetime | None
    per_minute: int | None
    replaced_by: UUID | None


async def authenticate(tx: Transaction, token: str) -> Principal | None:
    """Whom a token speaks for; None for one unknown, revoked or of an inactive tenant.

    Needs a worker's transaction: the tenant is not known before.
    """
    if not usable(token):
        return None
    digest = _digest(token)
    row = await tx.first(_FIND, hash=digest)
    if row is None or not hmac.compare_digest(row["hash"], digest):
        return None
    if row["stale"]:
        await tx.run(_USED, id=row["id"], tenant_id=row["tenant_id"])
    return Principal(row["tenant_id"], row["id"], frozenset(row["scopes"]), row["per_minute"])


async def create_key(
    tx: Transaction,
    tenant_id: UUID,
    name: str,
    *,
    scopes: Sequence[str] = (ALL_SCOPES,),
    token: str | None = None,
    per_minute: int | None = None,
    expires_at: datetime | None = None,
) -> NewKey:
    """Make a key, of 256 random bits unless a token is given.

    Raises `WeakKey` for a token of fewer than 8 or more than 512 characters, with
    blanks, or one that is in use already.
    """
    token = token if token is not None else _PREFIX + secrets.token_urlsafe(32)
    if not usable(token):
        raise WeakKey(
            f"an API key has {_SHORTEST} to {_LONGEST} printable ASCII characters and no blanks"
        )
    key_id = new_id()
    made = await tx.run(
        _CREATE,
        id=key_id,
        tenant_id=tenant_id,
        name=name,
        hash=_digest(token),
        scopes=list(scopes),
        per_minute=per_minute,
        expires_at=expires_at,
    )
    if made != 1:
        raise WeakKey("this API key is in use already")
    return NewKey(key_id, token)


async def owner_of_token(tx: Transaction, token: str) -> UUID | None:
    """The tenant a token was ever made for, revoked or not."""
    owner: UUID | None = await tx.scalar(_OWNER, hash=_digest(token)) if usable(token) else None
    return owner


async def list_keys(tx: Transaction, tenant_id: UUID) -> list[ApiKey]:
    """A tenant's keys, oldest first, revoked ones included."""
    return [
        ApiKey(
            id=row["id"],
            name=row["name"],
            scopes=tuple(row["scopes"]),
            created_at=row["created_at"],
            last_used_at=row["last_used_at"],
            revoked_at=row["revoked_at"],
            expires_at=row["expires_at"],
            per_minute=row["per_minute"],
            replaced_by=row["replaced_by"],
        )
        for row in await tx.all(_LIST, tenant_id=tenant_id)
    ]


async def rotate_key(
    tx: Transaction, tenant_id: UUID, key_id: UUID, *, grace: timedelta
) -> NewKey | None:
    """Make a key like this one, which itself is good for `grace` more, if not for less.

    The new one ends when the old one was to end: who was given a key until a day does not
    keep what it opens by rotating it.

    None for a key that is not there, no longer good, or was rotated before.
    """
    new = NewKey(new_id(), _PREFIX + secrets.token_urlsafe(32))
    old = await tx.first(
        _REPLACE, id=key_id, tenant_id=tenant_id, new_id=new.id, grace=grace.total_seconds()
    )
    if old is None:
        return None
    await tx.run(
        _CREATE,
        id=new.id,
        tenant_id=tenant_id,
        name=old["name"],
        hash=_digest(new.token),
        scopes=list(old["scopes"]),
        per_minute=old["per_minute"],
        expires_at=old["expires_at"],
    )
    return new


async def revoke_key(tx: Transaction, tenant_id: UUID, key_id: UUID) -> bool:
    """Revoke a key for good; False when it is not there or revoked already."""
    return await tx.run(_REVOKE, id=key_id, tenant_id=tenant_id) == 1


def usable(token: str) -> bool:
    """Whether a text can be a token at all: 8 to 512 visible ASCII characters."""
    return _SHORTEST <= len(token) <= _LONGEST and all("!" <= c <= "~" for c in token)


def _digest(token: str) -> bytes:
    return sha256(token.encode("ascii")).digest()
