"""Tenants by the names that people use."""

from followup_database import Transaction
from followup_directory import Tenant, ensure_default_tenant, tenant_by_slug
from followup_directory.defaults import SLUG
from followup_embedded.commands.errors import WrongUse


async def tenant_named(tx: Transaction, slug: str) -> Tenant:
    """The tenant of that name; `default` is made where it is missing."""
    if slug == SLUG:
        return await ensure_default_tenant(tx, None)
    found = await tenant_by_slug(tx, slug)
    if found is None or found.state == "deleted":
        raise WrongUse(f"there is no tenant {slug!r}; make it with: followup tenant create {slug}")
    return found
