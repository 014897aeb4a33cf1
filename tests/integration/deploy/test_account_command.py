"""From the sandbox to a provider, by the command."""

import asyncio
import json
import os
import sys
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.fernet import Fernet

from followup_directory import Vault, accounts, senders, tenant_by_slug
from followup_runtime.databases import Databases

SID = "AC0123456789abcdef0123456789abcdef"
FILE = f"""
name: main
channel: sms
provider: twilio
settings: {{account_sid: {SID}, from: "+12025550100"}}
secrets: {{auth_token: $A_TOKEN}}
senders: ["+12025550100"]
"""
KEY = Fernet.generate_key().decode()


async def followup(url: str, *arguments: str, **variables: str) -> tuple[int, str, str]:
    """Run the command on this database; exit code, stdout and stderr."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "followup_embedded", *arguments),
        env={
            "PATH": os.environ["PATH"],
            "FOLLOWUP_DATABASE_URL": url,
            "FOLLOWUP_SECRET_KEYS": KEY,
            "FOLLOWUP_SUPPRESSION_KEY": "a-key-for-this-test-alone",
            **variables,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await process.communicate()
    return process.returncode or 0, out.decode(), errors.decode()


def rewrite(file: Path, old: str, new: str) -> None:
    file.write_text(FILE.replace(old, new))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "twilio.yaml"
    path.write_text(FILE)
    return path


async def test_an_account_is_made_with_its_secrets_sealed(
    database_url: str, databases: Databases, file: Path
) -> None:
    """The secret comes from the environment and is nowhere to be read afterwards."""
    put = ("account", "put", str(file), "--tenant", "default")
    code, told, _ = await followup(database_url, *put, A_TOKEN="made-up-token")
    assert code == 0
    async with databases.worker.transaction() as tx:
        tenant = await tenant_by_slug(tx, "default")
        assert tenant is not None
        found = {str(a.id): a for a in await accounts(tx, [tenant.id])}
    account = found[told.strip()]
    assert (account.provider, account.name, account.state) == ("twilio", "main", "active")
    assert Vault([KEY]).open(account.sealed) == {"auth_token": "made-up-token"}
    assert b"made-up-token" not in account.sealed
    code, listed, _ = await followup(
        database_url, "account", "list", "--tenant", "default", "--json"
    )
    assert code == 0
    assert told.strip() in {row["id"] for row in json.loads(listed)}
    assert "made-up-token" not in listed


async def test_the_same_file_again_changes_the_account(database_url: str, file: Path) -> None:
    """An account is known by its name: no second one."""
    put = ("account", "put", str(file), "--tenant", "default")
    _, first, _ = await followup(database_url, *put, A_TOKEN="one")
    _, second, _ = await followup(database_url, *put, A_TOKEN="two")
    assert first == second


async def test_the_file_is_the_whole_pool(
    database_url: str, databases: Databases, file: Path
) -> None:
    """Numbers that left the file are stopped, those in it have the pace it says."""
    put = ("account", "put", str(file), "--tenant", "default")
    _, told, _ = await followup(database_url, *put, A_TOKEN="x")
    pool = '["+12025550101", {address: "+12025550102", rate_per_second: 0.5}]'
    rewrite(file, '["+12025550100"]', pool)
    await followup(database_url, *put, A_TOKEN="x")
    async with databases.worker.transaction() as tx:
        found = await senders(tx, [UUID(told.strip())])
    assert [(s.address, s.rate_per_second, s.state) for s in found] == [
        ("+12025550100", None, "stopped"),
        ("+12025550101", None, "active"),
        ("+12025550102", 0.5, "active"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (SID, '""', "account_sid"),
        ("twilio", "pigeon", "provider"),
        ("channel: sms", "channel: fax", "channel"),
        ("$A_TOKEN", "$NOT_THERE", "NOT_THERE"),
        ('"+12025550100"}', '"+12025550100", per_day: many}', "per_day"),
        ("name: main", "name: [", "no YAML"),
    ],
)
async def test_a_mistake_in_the_file_is_named(
    database_url: str, file: Path, old: str, new: str, says: str
) -> None:
    """One line, exit 2, and no account."""
    rewrite(file, old, new)
    put = ("account", "put", str(file), "--tenant", "default")
    code, told, errors = await followup(database_url, *put, A_TOKEN="x")
    assert (code, told) == (2, "")
    assert says in errors
    assert len(errors.splitlines()) == 1


async def test_a_tenant_leaves_the_sandbox_by_a_setting(database_url: str) -> None:
    """What is named changes, the rest stays; what is no setting is refused."""
    change = ("tenant", "set", "default")
    code, told, _ = await followup(database_url, *change, "agent_name=Kim", "sandbox=false")
    assert code == 0
    assert json.loads(told)["agent_name"] == "Kim"
    testers = "test_recipients=+12025550142, me@acme.example"
    code, told, _ = await followup(database_url, *change, "audience=b2b", testers)
    settings = json.loads(told)
    assert settings["test_recipients"] == ["+12025550142", "me@acme.example"]
    assert (settings["sandbox"], settings["agent_name"], settings["audience"]) == (
        False,
        "Kim",
        "b2b",
    )
    for wrong in ("sandbox=maybe", "click_tracking=yes", "colour=red", "agent_name"):
        code, _, errors = await followup(database_url, *change, wrong)
        assert code == 2
        assert wrong.partition("=")[0] in errors
