"""Tenants, API keys, provider accounts, senders and templates.

Every function takes the caller's transaction first. Who asks for other tenants'
rows needs a worker's transaction; under `Role.API` they are not there.
"""

from followup_directory.accounts import (
    Account,
    Sender,
    account_by_id,
    accounts,
    keep_senders,
    put_account,
    put_sender,
    senders,
    set_account_state,
)
from followup_directory.allowances import Allowance, reserve_requests
from followup_directory.audit import AuditEntry, AuditQuery, Deed, audit_page, record_deed
from followup_directory.defaults import ensure_default_tenant
from followup_directory.errors import DirectoryError, SealBroken, SlugTaken, WeakKey
from followup_directory.keys import (
    CELL,
    SCOPES,
    ApiKey,
    NewKey,
    Principal,
    authenticate,
    create_key,
    list_keys,
    revoke_key,
    rotate_key,
)
from followup_directory.lead_rules import AttributeRule, RoutingRule
from followup_directory.removals import Removal, delete_tenant, removal_of
from followup_directory.rules import (
    EVERYBODY,
    EmergencyStop,
    GrantedExemption,
    declare_emergency,
    emergency_stops,
    exemptions,
    grant_exemption,
    lift_emergency,
    revoke_exemption,
    ruled_tenants,
)
from followup_directory.settings import TenantSettings
from followup_directory.templates import (
    Template,
    Words,
    forget_confirmations,
    forget_words,
    put_templates,
    template_hash,
    templates,
    words_before,
)
from followup_directory.tenants import (
    Tenant,
    create_tenant,
    page_of_tenants,
    set_tenant_settings,
    set_tenant_state,
    tenant_by_slug,
    tenants_by_id,
    tenants_that_forget,
)
from followup_directory.vault import Vault
from followup_directory.written import Written

__all__ = [
    "CELL",
    "EVERYBODY",
    "SCOPES",
    "Account",
    "Allowance",
    "ApiKey",
    "AttributeRule",
    "AuditEntry",
    "AuditQuery",
    "Deed",
    "DirectoryError",
    "EmergencyStop",
    "GrantedExemption",
    "NewKey",
    "Principal",
    "Removal",
    "RoutingRule",
    "SealBroken",
    "Sender",
    "SlugTaken",
    "Template",
    "Tenant",
    "TenantSettings",
    "Vault",
    "WeakKey",
    "Words",
    "Written",
    "account_by_id",
    "accounts",
    "audit_page",
    "authenticate",
    "create_key",
    "create_tenant",
    "declare_emergency",
    "delete_tenant",
    "emergency_stops",
    "ensure_default_tenant",
    "exemptions",
    "forget_confirmations",
    "forget_words",
    "grant_exemption",
    "keep_senders",
    "lift_emergency",
    "list_keys",
    "page_of_tenants",
    "put_account",
    "put_sender",
    "put_templates",
    "record_deed",
    "removal_of",
    "reserve_requests",
    "revoke_exemption",
    "revoke_key",
    "rotate_key",
    "ruled_tenants",
    "senders",
    "set_account_state",
    "set_tenant_settings",
    "set_tenant_state",
    "template_hash",
    "templates",
    "tenant_by_slug",
    "tenants_by_id",
    "tenants_that_forget",
    "words_before",
]
