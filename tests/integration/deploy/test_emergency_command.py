"""Emergency stops for a whole installation, by the command."""

import asyncio
import json
import os
import sys

from cryptography.fernet import Fernet


async def followup(url: str, *arguments: str) -> tuple[int, str, str]:
    """Run the command on this database; exit code, stdout and stderr."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "followup_embedded", "emergency", *arguments),
        env={
            "PATH": os.environ["PATH"],
            "FOLLOWUP_DATABASE_URL": url,
            "FOLLOWUP_SECRET_KEYS": Fernet.generate_key().decode(),
            "FOLLOWUP_SUPPRESSION_KEY": "a-key-for-this-test-alone",
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await process.communicate()
    return process.returncode or 0, out.decode(), errors.decode()


async def test_an_operator_declares_and_lifts_a_stop_for_everybody(database_url: str) -> None:
    """Declared once, listed with who and why, lifted once; a place that is none is told."""
    declare = ("declare", "US-LA", "--reason", "hurricane", "--who", "R. Roe")
    assert (await followup(database_url, *declare))[:2] == (0, "declared\n")
    assert (await followup(database_url, *declare))[:2] == (0, "it is declared already\n")
    _, told, _ = await followup(database_url, "list", "--json")
    (stop,) = json.loads(told)
    assert (stop["jurisdiction"], stop["reason"], stop["declared_by"], stop["lifted_at"]) == (
        "US-LA", "hurricane", "R. Roe", None,
    )  # fmt: skip
    assert (await followup(database_url, "lift", "US-LA", "--who", "R. Roe"))[:2] == (0, "lifted\n")
    code, _, errors = await followup(database_url, "lift", "US-LA", "--who", "R. Roe")
    assert (code, len(errors.splitlines())) == (2, 1)
    code, _, errors = await followup(
        database_url, "declare", "Louisiana", "--reason", "x", "--who", "y"
    )
    assert code == 2
    assert "JURISDICTION" in errors
