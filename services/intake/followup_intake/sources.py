"""Where leads come from by themselves: a tenant's forms and ad accounts, each with an address.

The token in a source's address is kept as its hash, its secrets are sealed.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import text

from followup_database import Row, Transaction, new_id
from followup_database.engine import to_json
from followup_directory import Vault, tenants_by_id
from followup_directory.lead_rules import Word
from followup_intake.core.columns import ATTRIBUTE, FIELDS, IGNORED
from followup_intake.core.vendors.answers import Rules

SourceKind = Literal["meta", "google", "typeform", "form"]
SourceState = Literal["active", "stopped"]
SECRETS: Mapping[SourceKind, frozenset[str]] = {
    "meta": frozenset({"app_secret", "verify_token", "page_token"}),
    "google": frozenset({"google_key"}),
    "typeform": frozenset({"secret"}),
    "form": frozenset(),
}
"""What each kind needs to know who is calling, and Meta to fetch what it tells of."""
_LONGEST = 100


class SourceConfig(BaseModel):
    """How leads of a source are read.

    `lead_source` is what they are called; `sequence` what they enter, else the tenant's
    rules decide; `mapping` what a question means. For forms: `origins` that may post from
    a browser (none: any), the field nobody sees, where a browser goes from here, the
    wording beside the consent box, and how many leads a minute are taken.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    lead_source: Word | None = None
    sequence: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")] | None = None
    mapping: Annotated[dict[Word, Word], Field(max_length=100)] = Field(default_factory=dict)
    origins: Annotated[
        tuple[Annotated[str, Field(pattern=r"^https?://[^/\s]{1,250}$")], ...], Field(max_length=50)
    ] = ()
    honeypot: Word = "website_url"
    thanks_url: Annotated[str, Field(pattern=r"^https?://\S{1,990}$")] | None = None
    consent_wording: Annotated[str, Field(max_length=10_000)] | None = None
    per_minute: Annotated[int, Field(ge=1, le=100_000)] = 600

    def wrong_mapping(self) -> str | None:
        """The question that is mapped to no field, if there is one."""
        for name, meant in self.mapping.items():
            if meant not in FIELDS | {IGNORED} and not meant.startswith(ATTRIBUTE):
                return name
        return None


@dataclass(frozen=True, slots=True)
class Source:
    """A source of a tenant. `sealed` opens with the vault."""

    id: UUID
    tenant_id: UUID
    kind: SourceKind
    name: str
    config: SourceConfig
    state: SourceState
    created_at: datetime
    sealed: bytes

    def rules(self) -> Rules:
        """How its answers are read."""
        default = "unknown" if self.kind == "google" else "web_form"
        named = self.config.lead_source or (default if self.kind != "meta" else "facebook_lead_ad")
        return Rules(named, self.config.mapping)


_COLUMNS = "id, tenant_id, kind, name, config, state, created_at, secrets"
_MAKE = text(f"""
INSERT INTO intake.sources (id, tenant_id, kind, name, hash, config, secrets, created_at)
VALUES (:id, :tenant_id, :kind, :name, :hash, CAST(:config AS jsonb), :sealed, :now)
RETURNING {_COLUMNS}
""")
_FIND = text(f"""
SELECT {_COLUMNS} FROM intake.sources WHERE hash = :hash AND kind = :kind AND state = 'active'
""")
_LIST = text(f"SELECT {_COLUMNS} FROM intake.sources WHERE tenant_id = :tenant_id ORDER BY id")
_ONE = text(f"SELECT {_COLUMNS} FROM intake.sources WHERE tenant_id = :tenant_id AND id = :id")
_CHANGE = text(f"""
UPDATE intake.sources SET name = COALESCE(:name, name), state = COALESCE(:state, state),
  config = COALESCE(CAST(:config AS jsonb), config), secrets = COALESCE(:sealed, secrets),
  hash = COALESCE(:hash, hash)
WHERE tenant_id = :tenant_id AND id = :id
RETURNING {_COLUMNS}
""")
_DELETE = text("DELETE FROM intake.sources WHERE tenant_id = :tenant_id AND id = :id")


async def make_source(
    tx: Transaction,
    tenant_id: UUID,
    *,
    kind: SourceKind,
    name: str,
    config: SourceConfig,
    sealed: bytes,
) -> tuple[Source, str]:
    """A new source and the token of its address, shown now and never again."""
    token = new_token()
    row = await tx.first(
        _MAKE,
        id=new_id(),
        tenant_id=tenant_id,
        kind=kind,
        name=name,
        hash=digest(token),
        config=to_json(config.model_dump(mode="json")),
        sealed=sealed,
        now=tx.now,
    )
    if row is None:
        raise LookupError("an insert returned no row")
    return _source(row), token


async def source_at(tx: Transaction, kind: SourceKind, token: str) -> Source | None:
    """The active source of an active tenant with this token (worker's transaction)."""
    if len(token) > _LONGEST or not token.isascii():
        return None
    row = await tx.first(_FIND, hash=digest(token), kind=kind)
    if row is None:
        return None
    tenant = (await tenants_by_id(tx, [row["tenant_id"]])).get(row["tenant_id"])
    return _source(row) if tenant is not None and tenant.state == "active" else None


async def sources_of(tx: Transaction, tenant_id: UUID) -> list[Source]:
    """A tenant's sources, oldest first."""
    return [_source(row) for row in await tx.all(_LIST, tenant_id=tenant_id)]


async def source_by_id(tx: Transaction, tenant_id: UUID, source_id: UUID) -> Source | None:
    """One source."""
    row = await tx.first(_ONE, tenant_id=tenant_id, id=source_id)
    return None if row is None else _source(row)


async def change_source(
    tx: Transaction,
    tenant_id: UUID,
    source_id: UUID,
    *,
    name: str | None = None,
    state: SourceState | None = None,
    config: SourceConfig | None = None,
    sealed: bytes | None = None,
    token: str | None = None,
) -> Source | None:
    """Change what is named; None for a source that is not there."""
    row = await tx.first(
        _CHANGE,
        tenant_id=tenant_id,
        id=source_id,
        name=name,
        state=state,
        config=None if config is None else to_json(config.model_dump(mode="json")),
        sealed=sealed,
        hash=None if token is None else digest(token),
    )
    return None if row is None else _source(row)


async def delete_source(tx: Transaction, tenant_id: UUID, source_id: UUID) -> bool:
    """Delete a source; what it brought stays."""
    return await tx.run(_DELETE, tenant_id=tenant_id, id=source_id) == 1


def secret_of(source: Source, vault: Vault, name: str) -> bytes:
    """One secret of a source."""
    return vault.open(source.sealed).get(name, "").encode()


def new_token() -> str:
    """The secret part of a source's address: 256 random bits."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> bytes:
    """What is kept of a token."""
    return sha256(token.encode("ascii")).digest()


def _source(row: Row) -> Source:
    found: dict[str, Any] = dict(row)
    sealed = bytes(found.pop("secrets"))
    config = SourceConfig.model_validate(found.pop("config"))
    return Source(**found, config=config, sealed=sealed)
