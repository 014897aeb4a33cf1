"""The whole API on a socket, with one of everything in it, for who tries it as described."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copytree
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import text
from starlette.types import Receive, Scope, Send

from followup_directory import CELL, create_key, create_tenant, put_account
from followup_directory.vault import new_secret_key
from followup_embedded.house import Embedded
from followup_runtime import process
from followup_runtime.keyring import keys_of
from followup_runtime.loops import LoopRunner
from followup_runtime.settings import Settings
from followup_suppression.clicks import Click, ClickSigner
from followup_suppression.tokens import LinkSigner
from followup_testkit.clocks import MovableClock

CONFIG = Path(__file__).parents[1] / "contracts/http"
LEADS = 4
TABLES = {
    "lead_id": "people.leads",
    "person_id": "people.persons",
    "import_id": "intake.imports",
    "source_id": "intake.sources",
    "enrollment_id": "scheduler.enrollments",
    "touch_id": "scheduler.touches",
    "attempt_id": "dispatcher.attempts",
    "account_id": "directory.accounts",
}
"""Where the ids of what is there are read."""
SOURCES = {
    "form": {},
    "google": {"google_key": "a-google-key"},
    "typeform": {"secret": "a-typeform-secret"},
    "meta": {"app_secret": "app-secret", "verify_token": "verify-it", "page_token": "page-token"},
}


@dataclass
class Described:
    """An API that is served, and what of its paths there is, by the name it has there."""

    url: str
    token: str
    known: dict[str, list[str]] = field(default_factory=dict)

    async def tried(self, folder: Path, *more: str) -> tuple[int, str]:
        """Have `schemathesis` try all of it; its exit code and what it says."""
        copytree(CONFIG, folder, dirs_exist_ok=True)
        for name, known in self.known.items():
            (folder / f"{name}.dict").write_text("".join(f'"{each}"\n' for each in known))
        command = (sys.executable, "-m", "schemathesis.cli", "--config-file", "schemathesis.toml")
        running = await asyncio.create_subprocess_exec(
            *command,
            *("run", f"{self.url}/openapi.json", *more),
            cwd=folder,
            # Sets of Python are in another order in each process without it.
            env={**os.environ, "BASE_URL": self.url, "API_KEY": self.token, "PYTHONHASHSEED": "0"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await running.communicate()
        return running.returncode or 0, said.decode(errors="replace")


@asynccontextmanager
async def described(database_url: str, *, clock: MovableClock) -> AsyncIterator[Described]:
    """Served until the block ends. Nothing runs but routes, so that what they answer depends
    on what they are asked alone; people's rights are worked off while somebody waits for them.
    """
    settings = Settings(
        database_url=database_url,
        secret_keys=(new_secret_key(),),
        suppression_key="only for this description",
    )
    async with Embedded(settings, clock=clock) as house:
        token = await _furnished(house)
        found = Described("", token)
        async with house.running(), _client(house, token) as client:
            found.known = await _lived_in(house, client)
        async with house.databases.worker.transaction() as tx:
            for name, table in TABLES.items():
                rows = await tx.all(
                    text(f"SELECT id FROM {table} WHERE tenant_id = :id ORDER BY id LIMIT 5"),
                    id=house.tenant.id,
                )
                found.known[name] = [str(row["id"]) for row in rows]
        found.known |= _links(house, settings, found.known)
        listener = process.listen("127.0.0.1", 0)
        stop = asyncio.Event()
        found.url = process.base_url(listener)
        served = asyncio.create_task(
            process.run([], Patient(house), listener=listener, stop=stop)  # type: ignore[arg-type]  # it is served as it is
        )
        try:
            yield found
        finally:
            stop.set()
            await served


class Patient:
    """The app; whoever asks for an export or an erasure need not wait for a loop's turn."""

    def __init__(self, house: Embedded) -> None:
        self._app = house.app
        self._loops = [
            runner.loop
            for service in house.services
            for runner in service.runners
            if isinstance(runner, LoopRunner) and runner.name.endswith(":rights")
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope.get("path", "").endswith("/export"):
            await self._app(scope, receive, send)
            return
        answered = asyncio.ensure_future(self._app(scope, receive, send))
        while not answered.done():
            for loop in self._loops:
                await loop.run_once()
            await asyncio.wait([answered], timeout=0.02)
        await answered


def _links(
    house: Embedded, settings: Settings, known: dict[str, list[str]]
) -> dict[str, list[str]]:
    """Genuine tokens of the links that messages carry."""
    key, tenant = keys_of(settings).link_key, house.tenant.id
    touch, person = (UUID(known[name][0]) for name in ("touch_id", "person_id"))
    way_out = LinkSigner(key).sign(
        "unsubscribe", tenant_id=tenant, touch_id=touch, person_id=person, address_hash=bytes(32)
    )
    target = "https://example.com/book"
    click = ClickSigner(key).sign(
        Click(tenant_id=tenant, touch_id=touch, person_id=person, target=target)
    )
    return {"unsubscribe": [way_out], "click": [click]}


def _client(house: Embedded, token: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(house.app),
        base_url="http://described",
        headers={"Authorization": f"Bearer {token}"},
    )


async def _furnished(house: Embedded) -> str:
    """Accounts of the sandbox, and a key for everything."""
    async with house.databases.worker.transaction() as tx:
        for channel, sender in (("sms", "+12025550100"), ("email", "a@example.com")):
            await put_account(
                tx,
                house.tenant.id,
                channel=channel,
                provider="sandbox",
                name="sandbox",
                settings={"from": sender},
            )
        await create_tenant(tx, "another", "Another")
        return (await create_key(tx, house.tenant.id, "k", scopes=["*", CELL])).token


async def _lived_in(house: Embedded, client: httpx.AsyncClient) -> dict[str, list[str]]:
    """One of everything that routes can make."""

    async def made(path: str, **body: Any) -> Any:
        answer = await client.post(path, json=body)
        assert answer.is_success, (path, answer.text)
        return answer.json()

    for number in range(LEADS):
        await made(
            "/v1/leads",
            name=f"Robin Example{number}",
            phone=f"+1212555{number:04}",
            email=f"robin{number}@example.com",
            source="web_form",
            consent="yes",
            country="US",
            external_id=f"crm-{number}",
        )
    csv = "First Name,Email\nKim,kim@example.com\n,nobody\n"
    imported = await client.post("/v1/leads/import", content=csv)
    assert imported.is_success, imported.text
    known = {}
    for kind, secrets in SOURCES.items():
        source = await made("/v1/sources", kind=kind, name=kind, secrets=secrets)
        known[kind] = [source["url"].rpartition("/")[2]]
    assert await house.settled(within=60)
    async with house.databases.worker.transaction() as tx:
        other = await tx.scalar(text("SELECT id FROM directory.tenants WHERE slug = 'another'"))
        lead = await tx.scalar(text("SELECT id FROM people.leads ORDER BY id DESC LIMIT 1"))
    key = await made("/v1/keys", name="spare", scopes=["read"])
    task = await made("/v1/tasks", lead_id=str(lead), title="Call", due_at="2030-01-01T00:00:00Z")
    asks = {"wording": "I agree to be written to."}
    asked = await made(f"/v1/leads/{lead}/consent/confirmation", **asks)
    known["confirmation"] = [asked["url"].rpartition("/")[2]]
    return known | {
        "tenant_id": [str(other)],
        "key_id": [key["id"]],
        "task_id": [task["id"]],
        "key": ["d1", "a1", "a3"],
    }
