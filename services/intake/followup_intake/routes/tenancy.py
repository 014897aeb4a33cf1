"""The tenant a request speaks for."""

from followup_database import Transaction
from followup_directory import Principal, Tenant, tenants_by_id
from followup_runtime.problems import Problem


async def active_tenant(tx: Transaction, who: Principal) -> Tenant:
    """The caller's tenant; 403 unless it is active."""
    found = (await tenants_by_id(tx, [who.tenant_id])).get(who.tenant_id)
    if found is None or found.state != "active":
        raise Problem(403, detail="the tenant is not active")
    return found
