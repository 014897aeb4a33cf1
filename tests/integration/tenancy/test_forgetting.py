"""Erasure, export and retention over all services in one house."""

import io
import zipfile
from datetime import timedelta

from full_house import MARKS, lived
from sqlalchemy import text

from followup_directory import set_tenant_settings
from followup_people import hear, leads_by_id


async def test_a_person_is_forgotten_in_every_table(home):
    """A search of every column of every table finds nothing of them but a keyed hash that
    keeps them from being contacted anew.
    """
    lead = await lived(home)
    places = {place.split(":")[0] for place in await home.found(*MARKS)}
    schemas = {place.split(".")[0] for place in places}
    assert {"people", "intake", "dispatcher", "messaging", "directory"} <= schemas

    answer = await home.ask("DELETE", f"/v1/leads/{lead}")
    assert answer.status_code == 202, answer.text
    await home.round()
    state = (await home.ask("GET", f"/v1/erasures/{answer.json()['erasure_id']}")).json()
    assert (state["state"], state["waiting"]) == ("done", [])
    assert state["counts"]["messaging.dead"] == 1
    assert state["counts"]["dispatcher.attempts"] >= 1
    assert await home.found(*MARKS) == []
    for path in ("", "/consent", "/history", "/export", "/timeline"):
        found = await home.ask("GET", f"/v1/leads/{lead}{path}")
        assert found.status_code == 404 or not any(m in found.text for m in MARKS), found.text
    listed = (await home.ask("GET", "/v1/suppressions")).json()
    assert len(listed["listings"] if "listings" in listed else listed["items"]) == 2


async def test_nothing_goes_to_somebody_forgotten(home):
    """What was planned for them is cancelled, and no timer is left."""
    lead = await lived(home)
    await home.ask("DELETE", f"/v1/leads/{lead}")
    await home.round()
    async with home.house.databases.worker.transaction() as tx:
        open_ones = await tx.scalar(
            text("SELECT count(*) FROM scheduler.touches WHERE state IN ('planned', 'commanded')")
        )
        timers = await tx.scalar(text("SELECT count(*) FROM scheduler.timers"))
    assert (open_ones, timers) == (0, 0)


async def test_everything_about_a_person_is_handed_out(home):
    """One JSON document with each service's rows, or the same as a ZIP; deleted with them."""
    lead = await lived(home)
    asked = home.ask("GET", f"/v1/leads/{lead}/export")
    async with home.house.running():
        whole = (await asked).json()
        packed = await home.ask("GET", f"/v1/leads/{lead}/export?format=zip")
    assert set(whole) == {"intake", "scheduler", "dispatcher", "replies"}
    assert whole["intake"]["people.persons"][0]["city"] == "Quimby Falls"
    assert len(whole["intake"]["people.contact_points"]) == 2
    assert {c["method"] for c in whole["intake"]["people.consents"]} == {"api", "double_opt_in"}
    assert any(a["recipient"] == "+12125550123" for a in whole["dispatcher"]["dispatcher.attempts"])
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        assert "intake/people.leads.json" in archive.namelist()

    await home.ask("DELETE", f"/v1/leads/{lead}")
    await home.round()
    assert await home.found(*MARKS) == []


async def test_people_nobody_hears_of_are_forgotten_when_their_tenant_says_so(home):
    """After the days of its settings, not before; their addresses are not suppressed."""
    await lived(home)
    retention = _retention(home)
    async with home.house.databases.worker.transaction() as tx:
        await set_tenant_settings(tx, home.house.tenant.id, {"retention_days": 30})
    home.clock.advance(timedelta(days=29))
    assert (await retention.run_once()).worked == 0
    home.clock.advance(timedelta(days=2))
    assert (await retention.run_once()).worked == 1
    await home.round()
    assert await home.found(*MARKS) == []
    async with home.house.databases.worker.transaction() as tx:
        assert await tx.scalar(text("SELECT count(*) FROM suppression.list")) == 0


async def test_who_writes_back_is_heard_of(home):
    """Their days are counted from their last word, not from their lead."""
    lead = await lived(home)
    retention, worker = _retention(home), home.house.databases.worker
    home.clock.advance(timedelta(days=20))
    async with worker.transaction() as tx:
        await set_tenant_settings(tx, home.house.tenant.id, {"retention_days": 30})
        person = (await leads_by_id(tx, [lead]))[lead].person_id
        assert await hear(
            tx,
            home.house.tenant.id,
            person,
            channel="sms",
            match_key="+12125550123",
            at=tx.now,
        )
    home.clock.advance(timedelta(days=29))
    assert (await retention.run_once()).worked == 0
    home.clock.advance(timedelta(days=2))
    assert (await retention.run_once()).worked == 1


def _retention(home):
    (loop,) = (
        runner.loop
        for service in home.house.services
        for runner in service.runners
        if runner.name == "intake:retention"
    )
    return loop
