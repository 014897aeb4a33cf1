"""A tenant's rules, exemptions and emergency stops, as the last word meets them."""

from datetime import timedelta

import pytest

from followup_contracts.events import TouchDeferred, TouchSent, TouchSkipped
from followup_directory import (
    EVERYBODY,
    declare_emergency,
    emergency_stops,
    exemptions,
    grant_exemption,
    lift_emergency,
    revoke_exemption,
    ruled_tenants,
    set_tenant_settings,
)
from followup_policy.house import Exemption


async def keep(dispatching, **rules):
    async with dispatching.database.transaction() as tx:
        await set_tenant_settings(tx, dispatching.tenant_id, {"rules": rules})


@pytest.mark.parametrize("everybody", [True, False])
async def test_an_emergency_stop_counts_at_once_and_until_it_is_lifted(dispatching, everybody):
    """Declared for one tenant or for all: the next touch there waits, and says why."""
    owner = EVERYBODY if everybody else dispatching.tenant_id
    lead = await dispatching.lead()
    async with dispatching.database.transaction() as tx:
        assert await declare_emergency(tx, owner, "US-NY", reason="flood", who="R. Roe")
        assert not await declare_emergency(tx, owner, "US-NY", reason="again", who="R. Roe")
    (told,) = await dispatching.send(dispatching.command(lead))
    assert isinstance(told, TouchDeferred)
    assert (told.rule, told.kind) == ("R15:US-NY", "rule")
    assert dispatching.provider.calls == []

    async with dispatching.database.transaction() as tx:
        assert await lift_emergency(tx, owner, "US-NY", who="R. Roe")
        (stop,) = await emergency_stops(tx, dispatching.tenant_id)
    assert (stop.reason, stop.declared_by, stop.lifted_by) == ("flood", "R. Roe", "R. Roe")
    events = await dispatching.send(dispatching.command(lead))
    assert isinstance(events[-1], TouchSent)


async def test_a_cap_of_zero_ends_the_touch_and_an_unset_one_lets_it_go(dispatching):
    """mautic#10416: none are sent, the trace says so, and other channels are not touched."""
    lead = await dispatching.lead()
    await keep(dispatching, caps=[{"channels": ["sms"], "count": 0, "hours": 24}])
    (told,) = await dispatching.send(dispatching.command(lead))
    assert isinstance(told, TouchSkipped)
    assert told.rule == "house:none"
    await keep(dispatching)
    assert isinstance((await dispatching.send(dispatching.command(lead)))[-1], TouchSent)


async def test_a_cap_holds_over_all_sequences_of_a_person(dispatching):
    """mautic#6729: two runs that know nothing of each other share the tenant's cap."""
    lead = await dispatching.lead()
    await keep(dispatching, caps=[{"channels": ["sms", "voice"], "count": 1, "hours": 72}])
    first = dispatching.command(lead)
    second = dispatching.command(lead, transactional=True, contact_round="another:step")
    sent, told = await dispatching.send(first, second)
    assert isinstance(sent, TouchSent | TouchDeferred)
    deferred = next(e for e in (sent, told) if isinstance(e, TouchDeferred))
    assert (deferred.rule, deferred.kind) == ("house:caps", "cap")
    assert deferred.not_before >= dispatching.clock() + timedelta(hours=71)
    assert len(dispatching.provider.calls) == 1


async def test_an_exemption_holds_until_its_end_and_keeps_its_record(dispatching):
    """Who, why and until when stay readable after it is revoked."""
    granted = Exemption("US-VA", "hours", frozenset({"sms"}))
    ends_at = dispatching.clock() + timedelta(days=10)

    async def in_force():
        async with dispatching.database.transaction() as tx:
            ruled = await ruled_tenants(tx, [dispatching.tenant_id])
            return ruled[dispatching.tenant_id][1].exempt

    async with dispatching.database.transaction() as tx:
        made = await grant_exemption(
            tx, dispatching.tenant_id, granted, reason="consents kept", who="Roe", ends_at=ends_at
        )
    assert await in_force() == {granted}
    dispatching.clock.jump(ends_at)
    assert await in_force() == frozenset()
    async with dispatching.database.transaction() as tx:
        assert await revoke_exemption(tx, dispatching.tenant_id, made.id, who="Doe")
        assert not await revoke_exemption(tx, EVERYBODY, made.id, who="Doe")
        (kept,) = await exemptions(tx, dispatching.tenant_id)
    assert (kept.granted_by, kept.reason, kept.revoked_by) == ("Roe", "consents kept", "Doe")


async def test_a_business_is_not_texted_on_a_weekend_that_a_deferral_ends_in(dispatching):
    """R11 is asked again at the last word: what comes due on a Saturday waits for Monday."""
    lead = await dispatching.lead(audience="b2b")
    now = dispatching.clock()
    saturday = now + timedelta(days=(5 - now.weekday()) % 7)
    dispatching.clock.jump(saturday)
    (told,) = await dispatching.send(dispatching.command(lead))
    assert (told.rule, told.kind) == ("R11", "rule")
    dispatching.clock.jump(told.not_before)
    assert told.not_before.weekday() == 0
    assert isinstance((await dispatching.send(dispatching.command(lead)))[-1], TouchSent)
