import asyncio
from uuid import UUID

import pytest
from cryptography.fernet import Fernet

from followup_contracts.channels import CHANNELS
from followup_database import Database, new_id
from followup_directory import (
    SlugTaken,
    Vault,
    WeakKey,
    account_by_id,
    accounts,
    authenticate,
    create_key,
    create_tenant,
    ensure_default_tenant,
    list_keys,
    put_account,
    put_sender,
    put_templates,
    revoke_key,
    senders,
    set_account_state,
    set_tenant_settings,
    set_tenant_state,
    templates,
    tenant_by_slug,
    tenants_by_id,
)

BOOTSTRAP = "a-key-for-the-first-day"


@pytest.fixture
def worker(databases) -> Database:
    return databases.worker


@pytest.fixture
async def tenant(worker):
    async with worker.transaction() as tx:
        return await create_tenant(tx, "acme", "Acme", {"business_name": "Acme Roofing"})


async def test_a_key_speaks_for_its_tenant_with_its_scopes(worker, tenant):
    """The token is known nowhere but with whoever got it."""
    async with worker.transaction() as tx:
        key = await create_key(tx, tenant.id, "crm", scopes=["leads"])
        principal = await authenticate(tx, key.token)
        [listed] = await list_keys(tx, tenant.id)
    assert (principal.tenant_id, principal.key_id) == (tenant.id, key.id)
    assert principal.may("leads")
    assert not principal.may("keys")
    assert (listed.name, listed.scopes) == ("crm", ("leads",))
    assert listed.last_used_at is not None


@pytest.mark.parametrize(
    "token", ["", "short", "unknown-but-long-enough", "ünïcödé-tokens", "x" * 600]
)
async def test_an_unknown_token_speaks_for_nobody(worker, token):
    """Whatever is sent: nobody, and no error."""
    async with worker.transaction() as tx:
        assert await authenticate(tx, token) is None


async def test_a_revoked_key_and_a_suspended_tenant_are_refused(worker, tenant):
    """Both at once; the key of an active tenant works again."""
    async with worker.transaction() as tx:
        gone = await create_key(tx, tenant.id, "old")
        kept = await create_key(tx, tenant.id, "new")
        assert await revoke_key(tx, tenant.id, gone.id)
        assert not await revoke_key(tx, tenant.id, gone.id)
        assert not await revoke_key(tx, new_id(), kept.id)
        assert await authenticate(tx, gone.token) is None
        assert await set_tenant_state(tx, tenant.id, "suspended")
        assert await authenticate(tx, kept.token) is None
        assert await set_tenant_state(tx, tenant.id, "active")
        assert await authenticate(tx, kept.token) is not None


async def test_a_token_belongs_to_one_key(worker, tenant):
    """A chosen token that is in use, or no token at all, is refused."""
    async with worker.transaction() as tx:
        await create_key(tx, tenant.id, "one", token=BOOTSTRAP)
        for token in (BOOTSTRAP, "short", "with a blank"):
            with pytest.raises(WeakKey):
                await create_key(tx, tenant.id, "two", token=token)


async def test_a_slug_belongs_to_one_tenant(worker, tenant):
    """Slugs are how people name tenants on the command line."""
    async with worker.transaction() as tx:
        with pytest.raises(SlugTaken):
            await create_tenant(tx, "acme", "Another")
        assert await tenant_by_slug(tx, "acme") == tenant
        assert await tenant_by_slug(tx, "nobody") is None


async def test_settings_change_one_by_one_and_bad_ones_fall_back(worker, tenant):
    """What a row holds never stops a service; the sandbox is the default."""
    async with worker.transaction() as tx:
        changed = await set_tenant_settings(tx, tenant.id, {"agent_name": "Jo", "audience": "b2x"})
        assert (await tenants_by_id(tx, [tenant.id, new_id()])) == {tenant.id: changed}
    settings = changed.settings
    assert (settings.business_name, settings.agent_name) == ("Acme Roofing", "Jo")
    assert (settings.audience, settings.sandbox) == ("b2c", True)


async def test_accounts_are_kept_with_their_secrets_sealed(worker, tenant):
    """By channel and priority; the same name again changes the account, not its state."""
    vault = Vault([Fernet.generate_key().decode()])
    given = {"channel": "sms", "provider": "twilio", "name": "main"}
    async with worker.transaction() as tx:
        spare = await put_account(
            tx, tenant.id, channel="sms", provider="sandbox", name="x", settings={}, priority=5
        )
        made = await put_account(
            tx,
            tenant.id,
            **given,
            settings={"from": "+12025550100"},
            sealed=vault.seal({"auth_token": "hush"}),
        )
        assert await set_account_state(tx, tenant.id, made.id, state="stopped", reason="30004")
        assert not await set_account_state(tx, new_id(), made.id, state="active", reason=None)
        again = await put_account(tx, tenant.id, **given, settings={}, priority=1)
        assert [a.id for a in await accounts(tx, [tenant.id])] == [made.id, spare.id]
        assert await account_by_id(tx, made.id) == again
    assert b"hush" not in made.sealed
    assert vault.open(made.sealed) == {"auth_token": "hush"}
    assert (again.id, again.state, again.reason) == (made.id, "stopped", "30004")
    assert vault.open(again.sealed) == {}


async def test_senders_belong_to_an_account_of_their_tenant(worker, tenant):
    """A sender can't be put on somebody else's account."""
    async with worker.transaction() as tx:
        account = await put_account(
            tx, tenant.id, channel="sms", provider="twilio", name="main", settings={}
        )
        given = {"channel": "sms", "address": "+12025550100"}
        await put_sender(tx, tenant.id, account.id, **given)
        sender = await put_sender(tx, tenant.id, account.id, **given, rate_per_second=0.5)
        assert await put_sender(tx, new_id(), account.id, **given) is None
        assert await senders(tx, [account.id]) == [sender]
    assert sender.rate_per_second == 0.5


async def test_templates_are_found_by_what_they_say(worker, tenant):
    """The same words are the same template, for each tenant its own."""
    body = {"text": "Hi {{ person.first_name }}", "subject": "Hello"}
    async with worker.transaction() as tx:
        first = await put_templates(tx, tenant.id, [("sms", body), ("email", body), ("sms", body)])
        again = await put_templates(tx, tenant.id, [("sms", dict(reversed(body.items())))])
        other = new_id()
        found = await templates(tx, [(tenant.id, first[0]), (other, first[0]), (tenant.id, "?")])
    assert first[0] == first[2] == again[0] != first[1]
    assert list(found) == [(tenant.id, first[0])]
    assert found[(tenant.id, first[0])].body == body


async def test_the_default_tenant_is_made_once_by_however_many(worker):
    """Sandbox accounts for every channel and the bootstrap key; again is no harm."""

    async def ensured():
        async with worker.transaction() as tx:
            return await ensure_default_tenant(tx, BOOTSTRAP)

    made = await asyncio.gather(*(ensured() for _ in range(5)))
    again = await ensured()
    assert {tenant.id for tenant in made} == {again.id}
    async with worker.transaction() as tx:
        assert [a.channel for a in await accounts(tx, [again.id])] == sorted(CHANNELS)
        assert len(await list_keys(tx, again.id)) == 1
        assert (await authenticate(tx, BOOTSTRAP)).tenant_id == again.id


async def test_a_revoked_bootstrap_key_does_not_come_back(worker):
    """A restart with the same settings undoes no revocation."""
    async with worker.transaction() as tx:
        tenant = await ensure_default_tenant(tx, BOOTSTRAP)
        [key] = await list_keys(tx, tenant.id)
        await revoke_key(tx, tenant.id, key.id)
        assert await ensure_default_tenant(tx, BOOTSTRAP) == tenant
        assert await authenticate(tx, BOOTSTRAP) is None


async def test_a_bootstrap_key_of_another_tenant_is_refused(worker, tenant):
    """One token never speaks for two tenants."""
    async with worker.transaction() as tx:
        await create_key(tx, tenant.id, "crm", token=BOOTSTRAP)
        with pytest.raises(WeakKey):
            await ensure_default_tenant(tx, BOOTSTRAP)


async def test_a_key_reaches_its_own_tenant_alone(databases, tenant):
    """Under the API's role other tenants, their keys and accounts are not there."""
    async with databases.worker.transaction() as tx:
        await create_key(tx, tenant.id, "crm")
        await put_account(tx, tenant.id, channel="sms", provider="x", name="x", settings={})
    async with databases.api.transaction(tenant=UUID(int=9)) as tx:
        assert await tenant_by_slug(tx, "acme") is None
        assert await list_keys(tx, tenant.id) == []
        assert await accounts(tx, [tenant.id]) == []
    async with databases.api.transaction(tenant=tenant.id) as tx:
        assert await tenant_by_slug(tx, "acme") == tenant
        assert len(await list_keys(tx, tenant.id)) == 1
