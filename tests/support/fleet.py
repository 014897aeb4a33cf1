"""Services as processes of their own, and the tenant and sequence they work for."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import httpx
from sqlalchemy import text

from followup_database import Database, Role, Row
from followup_directory import Vault, create_key, create_tenant, put_account
from followup_directory.vault import new_secret_key
from followup_policy.quiet import quiet_hours
from followup_policy.zones import Place, whereabouts
from followup_testkit.ports import free_port
from followup_testkit.reaper import Reaper
from followup_testkit.waiting import until

HURRIED = Path(__file__).with_name("hurried.py")
READY_WITHIN = 240.0
TERMINATED_WITHIN = 30.0

SEQUENCE = """
format: 1
key: one
name: One text
steps:
  - id: only
    at: {after: 0m, window: at_once}
    touches:
      - channel: sms
        template: hello
templates:
  hello:
    text: >-
      Hi {{ person.first_name | default: "there" }}, thank you for asking about
      {{ lead.need | default: "our service" }}. Is tomorrow good for a call? Reply STOP to opt out.
"""

# The processes live by the machine's clock. At any hour of any day a text is lawful in
# one of these: New York, Los Angeles, Honolulu, India.
PLACES = (
    ("US", "NY", "10001", "+1212"),
    ("US", "CA", "94103", "+1415"),
    ("US", "HI", "96813", "+1808"),
    ("IN", None, None, "+9198"),
)


class Vendor(Protocol):
    """The stub, wherever it runs."""

    base_url: str
    account_sid: str
    auth_token: str


@dataclass
class Fleet:
    """Processes by name, with one tenant whose texts go to a stub.

    A service's name is its own unless it is one of several. `reaper` ends the processes
    if this one is killed. `environment` is added to theirs.
    """

    database_url: str
    amqp_url: str
    logs: Path
    stub: Vendor
    reaper: Reaper | None = None
    environment: dict[str, str] = field(default_factory=dict)
    secret_key: str = field(default_factory=new_secret_key)
    processes: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)
    token: str = ""

    async def prepare(self, channels: Sequence[str] = ("sms",), **account: Any) -> None:
        """Make the tenant with its accounts at the stub, one a channel, and a key."""
        self.database = Database(self.database_url, role=Role.WORKER)
        settings = {
            "base_url": self.stub.base_url,
            "account_sid": self.stub.account_sid,
            "from": "+12025550100",
            "settling_seconds": 0,
        }
        async with self.database.transaction() as tx:
            tenant = await create_tenant(
                tx, "acme", "Acme", {"business_name": "Acme Roofing", "sandbox": False}
            )
            for channel in channels:
                # The stub takes more calls a second than a vendor would.
                own = {"rate_per_second": 500} if channel == "voice" else {}
                await put_account(
                    tx,
                    tenant.id,
                    channel=channel,
                    provider="twilio",
                    name=f"stub for {channel}",
                    settings=settings | own | account,
                    sealed=Vault([self.secret_key]).seal({"auth_token": self.stub.auth_token}),
                )
            key = await create_key(tx, tenant.id, "test")
        self.token = key.token

    async def start(self, service: str, *, name: str = "", hurried: bool = False) -> None:
        """Start a service and wait until it is ready; `hurried`: with short times of its own."""
        name = name or service
        await self.spawn(service, name=name, hurried=hurried)
        await until(lambda: self.ready(name), within=READY_WITHIN, what=f"{name} ready")

    async def spawn(
        self, service: str, *, name: str = "", hurried: bool = False
    ) -> asyncio.subprocess.Process:
        """Start a service, at the address that it had before if it is started again."""
        name = name or service
        self.urls.setdefault(name, f"http://127.0.0.1:{free_port()}")
        port = self.urls[name].rpartition(":")[2]
        arguments = [str(HURRIED), service] if hurried else ["-m", f"followup_{service}"]
        with (self.logs / f"{name}.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *arguments,
                env={**os.environ, **self._environment(), "FOLLOWUP_HTTP_PORT": port},
                stdout=log,
                stderr=log,
                start_new_session=self.reaper is not None,
            )
        if self.reaper is not None:
            self.reaper.kill_group(process.pid)
        self.processes[name] = process
        return process

    async def kill(self, name: str) -> None:
        """End a service as a power cut would."""
        self.processes[name].kill()
        await self._ended(self.processes.pop(name))

    async def terminate(self, name: str) -> int:
        """Ask a service to end; its exit code once it has: 0 says that it was done in time."""
        process = self.processes.pop(name)
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(TERMINATED_WITHIN):
            return await self._ended(process)

    async def stop(self) -> None:
        """End everything."""
        for process in self.processes.values():
            if process.returncode is None:
                process.kill()
            await self._ended(process)
        await self.database.close()

    async def publish_sequence(self) -> None:
        """Put and publish the one-text sequence; needs the scheduler."""
        path = "/v1/sequences/one"
        kind = {"Content-Type": "application/yaml"}
        put = await self.ask("scheduler", "PUT", path, content=SEQUENCE, headers=kind)
        assert put.is_success, put.text
        published = await self.ask("scheduler", "POST", f"{path}/publish")
        assert published.is_success, published.text

    async def post_lead(self, number: int = 1) -> UUID:
        """Post a lead of a place where texts are lawful now; needs intake."""
        answer = await self.ask("intake", "POST", "/v1/leads", json=lead(number))
        assert answer.status_code == 201, answer.text
        return UUID(answer.json()["lead_id"])

    async def ask(self, service: str, method: str, path: str, **more: Any) -> httpx.Response:
        """A request with the tenant's key."""
        headers = {"Authorization": f"Bearer {self.token}"} | more.pop("headers", {})
        async with httpx.AsyncClient(base_url=self.urls[service], timeout=30) as client:
            return await client.request(method, path, headers=headers, **more)

    async def rows(self, statement: str, **params: Any) -> list[Row]:
        """Rows of a query."""
        async with self.database.transaction() as tx:
            return list(await tx.all(text(statement), **params))

    def log(self, service: str) -> str:
        """What a service has said so far."""
        return (self.logs / f"{service}.log").read_text()

    async def ready(self, name: str) -> bool:
        """Whether a process says that it can work; fails if it has ended."""
        code = self.processes[name].returncode
        assert code is None, f"{name} ended with {code}:\n{self.log(name)[-2000:]}"
        try:
            async with httpx.AsyncClient() as client:
                return (await client.get(f"{self.urls[name]}/readyz")).is_success
        except httpx.TransportError:
            return False

    async def _ended(self, process: asyncio.subprocess.Process) -> int:
        code = await process.wait()
        if self.reaper is not None:
            self.reaper.forget_group(process.pid)
        return code

    def _environment(self) -> dict[str, str]:
        return {
            "FOLLOWUP_DATABASE_URL": self.database_url,
            "FOLLOWUP_AMQP_URL": self.amqp_url,
            "FOLLOWUP_SECRET_KEYS": self.secret_key,
            "FOLLOWUP_SUPPRESSION_KEY": "s" * 32,
            "FOLLOWUP_API_POOL": "3",
            "FOLLOWUP_WORKER_POOL": "4",
            "FOLLOWUP_LOG_LEVEL": "INFO",
            **self.environment,
        }


def lead(number: int = 1) -> dict[str, Any]:
    """A lead's body, of the first place where the next half hour is open."""
    now = datetime.now(UTC)
    for country, state, postal_code, prefix in PLACES:
        digits = 7 if prefix.startswith("+1") else 8
        phone = f"{prefix}{number + 2 * 10 ** (digits - 1)}"
        place = Place(
            stated_zone=None, country=country, state=state, postal_code=postal_code, phone=phone
        )
        span = timedelta(minutes=30)
        if quiet_hours("sms", where=whereabouts(place), now=now, span=span).allowed:
            return {
                "first_name": "Robin",
                "phone": phone,
                "country": country,
                "state": state,
                "postal_code": postal_code,
                "source": "web_form",
                "need": "a new roof",
                "consent": True,
                "sequence": "one",
            }
    raise AssertionError(f"nobody may be texted at {now:%A %H:%M} UTC")
