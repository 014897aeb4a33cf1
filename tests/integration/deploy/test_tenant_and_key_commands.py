"""Tenants and keys by the command, and what is on record of it."""

import asyncio
import json
import os
import sys

import pytest
from sqlalchemy import text

from followup_directory import authenticate
from followup_runtime.databases import Databases


async def followup(url: str, *arguments: str) -> tuple[int, str, str]:
    """Run the command on this database; exit code, stdout and stderr."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "followup_embedded", *arguments),
        env={"PATH": os.environ["PATH"], "FOLLOWUP_DATABASE_URL": url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await process.communicate()
    return process.returncode or 0, out.decode().strip(), errors.decode()


@pytest.fixture
async def databases(database_url: str):
    opened = Databases.open(database_url, api_pool=2, worker_pool=2)
    yield opened
    await opened.close()


async def _good(databases: Databases, token: str) -> bool:
    async with databases.worker.transaction() as tx:
        return await authenticate(tx, token) is not None


async def test_a_tenant_and_its_keys_are_run_by_command(database_url, databases):
    """Made, limited, rotated, revoked, suspended, resumed, deleted; each on record."""
    assert (await followup(database_url, "tenant", "create", "acme"))[0] == 0
    wanted = ("key", "create", "--tenant", "acme", "--scope", "read", "--per-minute", "60")
    code, token, _ = await followup(database_url, *wanted, "--days", "30")
    assert code == 0
    (key,) = json.loads(
        (await followup(database_url, "key", "list", "--tenant", "acme", "--json"))[1]
    )
    assert (key["scopes"], key["per_minute"]) == (["read"], 60)
    rotate = ("key", "rotate", key["id"], "--tenant", "acme", "--grace-hours", "0")
    code, newer, _ = await followup(database_url, *rotate)
    assert [await _good(databases, each) for each in (token, newer)] == [False, True]
    assert (await followup(database_url, *rotate))[0] == 1

    assert (await followup(database_url, "tenant", "suspend", "acme"))[0] == 0
    assert not await _good(databases, newer)
    assert (await followup(database_url, "tenant", "suspend", "acme"))[0] == 1
    assert (await followup(database_url, "tenant", "resume", "acme"))[0] == 0
    assert await _good(databases, newer)
    assert (await followup(database_url, "tenant", "delete", "acme"))[0] == 2
    code, printed, _ = await followup(database_url, "tenant", "delete", "acme", "--yes")
    assert (code, len(printed)) == (0, 36)
    assert not await _good(databases, newer)

    async with databases.worker.transaction() as tx:
        rows = await tx.all(text("SELECT actor, action, detail FROM directory.audit ORDER BY id"))
    assert {row["actor"] for row in rows} == {"command"}
    assert [row["action"] for row in rows] == [
        "key create",
        "key rotate",
        "tenant state",
        "tenant state",
    ]


async def test_a_scope_nobody_has_is_wrong_use(database_url):
    """Exit 2, with those there are."""
    code, _, errors = await followup(
        database_url, "key", "create", "--tenant", "default", "--scope", "lead:write"
    )
    assert code == 2
    assert "leads:write" in errors
