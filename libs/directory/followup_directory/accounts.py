"""Provider accounts and the senders that belong to them.

Secrets come and go sealed (`Vault`): whoever lists accounts needs no key for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text

from followup_contracts.payload import Channel
from followup_database import Row, Transaction, new_id
from followup_database.engine import to_json
from followup_directory.vault import NOTHING

State = Literal["active", "stopped"]

_ACCOUNT = (
    "id, tenant_id, channel, provider, name, state, reason, settings, secrets, priority, changed_at"
)
_SENDER = "id, tenant_id, account_id, channel, address, rate_per_second, state"

_PUT = text(f"""
    INSERT INTO directory.accounts
        (id, tenant_id, channel, provider, name, settings, secrets, priority)
    VALUES (:id, :tenant_id, :channel, :provider, :name, CAST(:settings AS jsonb), :secrets,
        :priority)
    ON CONFLICT (tenant_id, channel, name) DO UPDATE
        SET provider = excluded.provider, settings = excluded.settings,
            secrets = excluded.secrets, priority = excluded.priority,
            changed_at = clock_timestamp()
    RETURNING {_ACCOUNT}
""")
_ACCOUNTS = text(f"""
    SELECT {_ACCOUNT} FROM directory.accounts
    WHERE tenant_id = ANY(CAST(:ids AS uuid[]))
    ORDER BY tenant_id, channel, priority, name
""")
_BY_ID = text(f"SELECT {_ACCOUNT} FROM directory.accounts WHERE id = :id")
_STATE = text("""
    UPDATE directory.accounts
    SET state = :state, reason = :reason, changed_at = clock_timestamp()
    WHERE id = :id AND tenant_id = :tenant_id
      AND (state, reason) IS DISTINCT FROM (CAST(:state AS text), CAST(:reason AS text))
""")
_PUT_SENDER = text(f"""
    INSERT INTO directory.senders
        (id, tenant_id, account_id, channel, address, rate_per_second)
    SELECT :id, a.tenant_id, a.id, :channel, :address, CAST(:rate AS double precision)
    FROM directory.accounts a WHERE a.id = :account_id AND a.tenant_id = :tenant_id
    ON CONFLICT (account_id, channel, address) DO UPDATE
        SET rate_per_second = excluded.rate_per_second, state = 'active'
    RETURNING {_SENDER}
""")
_KEEP = text("""
    UPDATE directory.senders SET state = 'stopped'
    WHERE account_id = :account_id AND tenant_id = :tenant_id AND state <> 'stopped'
      AND NOT address = ANY(CAST(:addresses AS text[]))
""")
_SENDERS = text(f"""
    SELECT {_SENDER} FROM directory.senders
    WHERE account_id = ANY(CAST(:ids AS uuid[])) ORDER BY account_id, address
""")


@dataclass(frozen=True, slots=True)
class Account:
    """A tenant's account at a provider, for one channel.

    `settings` are the provider's (base_url, from, rate_per_second, burst …);
    `sealed` opens with the `Vault`. The lowest `priority` is asked first.
    """

    id: UUID
    tenant_id: UUID
    channel: Channel
    provider: str
    name: str
    state: State
    reason: str | None
    settings: Mapping[str, Any]
    sealed: bytes
    priority: int
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Sender:
    """A number or address an account sends from; a rate of None leaves it to the account."""

    id: UUID
    tenant_id: UUID
    account_id: UUID
    channel: Channel
    address: str
    rate_per_second: float | None
    state: State


async def put_account(
    tx: Transaction,
    tenant_id: UUID,
    *,
    channel: Channel,
    provider: str,
    name: str,
    settings: Mapping[str, Any],
    sealed: bytes = NOTHING,
    priority: int = 0,
) -> Account:
    """Make the account of this name, or give it these properties; its state stays."""
    row = await tx.first(
        _PUT,
        id=new_id(),
        tenant_id=tenant_id,
        channel=channel,
        provider=provider,
        name=name,
        settings=to_json(dict(settings)),
        secrets=sealed,
        priority=priority,
    )
    if row is None:
        raise LookupError("an upsert returned no row")
    return _account(row)


async def accounts(tx: Transaction, tenant_ids: Sequence[UUID]) -> list[Account]:
    """All accounts of these tenants, by channel and priority; stopped ones included."""
    return [_account(row) for row in await tx.all(_ACCOUNTS, ids=list(tenant_ids))]


async def account_by_id(tx: Transaction, account_id: UUID) -> Account | None:
    """One account; a webhook knows no tenant but the one its account belongs to."""
    row = await tx.first(_BY_ID, id=account_id)
    return None if row is None else _account(row)


async def set_account_state(
    tx: Transaction, tenant_id: UUID, account_id: UUID, *, state: State, reason: str | None
) -> bool:
    """Stop or start an account; False when that is how it stands, or it is not there."""
    changed = await tx.run(_STATE, id=account_id, tenant_id=tenant_id, state=state, reason=reason)
    return changed == 1


async def put_sender(
    tx: Transaction,
    tenant_id: UUID,
    account_id: UUID,
    *,
    channel: Channel,
    address: str,
    rate_per_second: float | None = None,
) -> Sender | None:
    """Add a sender to an account or set its rate; None when the tenant has no such account."""
    row = await tx.first(
        _PUT_SENDER,
        id=new_id(),
        tenant_id=tenant_id,
        account_id=account_id,
        channel=channel,
        address=address,
        rate=rate_per_second,
    )
    return None if row is None else Sender(**row)


async def keep_senders(
    tx: Transaction, tenant_id: UUID, account_id: UUID, addresses: Sequence[str]
) -> int:
    """Stop every sender of an account that is not among these; how many that were."""
    return await tx.run(
        _KEEP, tenant_id=tenant_id, account_id=account_id, addresses=list(addresses)
    )


async def senders(tx: Transaction, account_ids: Sequence[UUID]) -> list[Sender]:
    """The senders of these accounts, by account and address; stopped ones included."""
    return [Sender(**row) for row in await tx.all(_SENDERS, ids=list(account_ids))]


def _account(row: Row) -> Account:
    return Account(
        id=row["id"],
        tenant_id=row["tenant_id"],
        channel=row["channel"],
        provider=row["provider"],
        name=row["name"],
        state=row["state"],
        reason=row["reason"],
        settings=row["settings"],
        sealed=row["secrets"],
        priority=row["priority"],
        changed_at=row["changed_at"],
    )
