"""What a fresh installation needs before anybody can call it."""

from typing import Any

from followup_contracts.payload import Channel
from followup_database import Transaction
from followup_directory.accounts import accounts, put_account
from followup_directory.errors import SlugTaken, WeakKey
from followup_directory.keys import ALL_SCOPES, CELL, create_key, owner_of_token
from followup_directory.tenants import Tenant, create_tenant, tenant_by_slug

SLUG = "default"

# Numbers kept for fiction (NANPA 555-01XX) and a domain kept for examples (RFC 2606):
# the sandbox sends nothing, but what it shows must look like a message.
_SENDERS: tuple[tuple[Channel, str], ...] = (
    ("sms", "+12025550100"),
    ("email", "hello@example.com"),
    ("voice", "+12025550100"),
    ("whatsapp", "+12025550100"),
    ("instagram", "17841400000000000"),
)


async def ensure_default_tenant(
    tx: Transaction, bootstrap_key: str | None, *, settings: dict[str, Any] | None = None
) -> Tenant:
    """Tenant `default` with a sandbox account per channel and the bootstrap key.

    May be repeated and run by several at once: what is there stays as it is, a tenant's
    own accounts and settings included; a bootstrap key that was revoked stays revoked.
    Raises `WeakKey` where it is no usable token or belongs to another tenant. Needs a
    worker's transaction.
    """
    tenant = await _tenant(tx, settings or {"business_name": "Followup"})
    served = {account.channel for account in await accounts(tx, [tenant.id])}
    for channel, sender in _SENDERS:
        if channel not in served:
            await put_account(
                tx,
                tenant.id,
                channel=channel,
                provider="sandbox",
                name="sandbox",
                settings={"from": sender},
            )
    if bootstrap_key is not None:
        await _key(tx, tenant, bootstrap_key)
    return tenant


async def _tenant(tx: Transaction, settings: dict[str, Any]) -> Tenant:
    found = await tenant_by_slug(tx, SLUG)
    if found is not None:
        return found
    try:
        return await create_tenant(tx, SLUG, "Default", settings)
    except SlugTaken:  # somebody else was quicker
        quicker = await tenant_by_slug(tx, SLUG)
        if quicker is None:
            raise
        return quicker


async def _key(tx: Transaction, tenant: Tenant, token: str) -> None:
    if await owner_of_token(tx, token) == tenant.id:
        return
    try:
        # Whoever sets an installation up is its operator.
        await create_key(tx, tenant.id, "bootstrap", token=token, scopes=(ALL_SCOPES, CELL))
    except WeakKey:  # somebody else was quicker, or it is another tenant's
        if await owner_of_token(tx, token) != tenant.id:
            raise
