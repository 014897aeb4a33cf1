"""Replies as an application on a real database, asked as vendors and people ask it."""

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import httpx
import orjson
import pytest
from signed_hooks import CERTIFICATE
from sqlalchemy import text
from twilio.request_validator import RequestValidator
from vendor_events import PEMS, SIGNERS, Played

from followup_contracts import Message, decode
from followup_contracts.channels import CHANNELS
from followup_contracts.events import TouchSent
from followup_contracts.payload import Payload
from followup_database import new_id
from followup_directory import Account, Tenant, Vault, create_key, create_tenant, put_account
from followup_messaging.inprocess import InProcessBus
from followup_people import NewLead, upsert_leads
from followup_replies.wiring import build
from followup_runtime.app import create_app
from followup_runtime.databases import Databases
from followup_runtime.keyring import Keys, keys_of
from followup_runtime.metrics import Metrics
from followup_runtime.service import Service
from followup_runtime.settings import Settings
from followup_suppression import AddressHasher, StopFence
from followup_suppression.tokens import LinkSigner
from followup_testkit.clocks import MovableClock

PUBLIC = "https://hooks.example.com/f"
HOOKS = {"inbound", "status", "events", "call"}
AUTH_TOKEN = "made-up auth token"
MAIL_LISTEN = "lmtp://127.0.0.1:28024"
"""Nothing listens there until a test starts it."""
SHARED_KEY = "made-up shared key"


@dataclass
class Wall:
    """A monotonic clock that moves only while somebody sleeps; keeps how long they did."""

    now: float = 100.0
    slept: list[float] = field(default_factory=list)
    watched: Callable[[], Awaitable[None]] | None = None

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        if self.watched is not None:
            await self.watched()
        self.slept.append(seconds)
        self.now += seconds


@dataclass
class House:
    """The service, an HTTP client to it, and what tests need to feed and read it."""

    client: httpx.AsyncClient
    service: Service
    databases: Databases
    clock: MovableClock
    metrics: Metrics
    wall: Wall
    keys: Keys
    tenant: Tenant
    accounts: dict[tuple[str, str], Account]
    token: str
    fetched: dict[str, bytes]
    asked: list[str]

    async def account(
        self, provider: str, channel: str, *, secrets: dict[str, str], **settings: Any
    ) -> Account:
        """An account of another vendor."""
        async with self.databases.worker.transaction() as tx:
            account = await put_account(
                tx,
                self.tenant.id,
                channel=channel,
                provider=provider,
                name=f"{provider} {channel}",
                settings=settings,
                sealed=Vault(self.keys.secret_keys).seal(secrets),
            )
        self.accounts[provider, channel] = account
        return account

    async def twilio(
        self,
        kind: str,
        form: dict[str, str],
        *,
        channel: str = "sms",
        query: dict[str, Any] | None = None,
        public: str = PUBLIC,
        token: str = AUTH_TOKEN,
    ) -> httpx.Response:
        """A webhook as Twilio sends it, signed by the vendor's own code."""
        path = self.path(kind, channel=channel) + (f"?{urlencode(query)}" if query else "")
        signature = RequestValidator(token).compute_signature(public + path, form)
        return await self.raw(path, form, {"X-Twilio-Signature": signature})

    def path(self, kind: str, *, channel: str = "sms", provider: str = "twilio") -> str:
        root = "hooks" if kind in HOOKS else "voice"
        return f"/{root}/{provider}/{self.accounts[provider, channel].id}/{kind}"

    async def raw(self, path: str, form: dict[str, str], headers: dict[str, str]) -> httpx.Response:
        return await self.client.post(path, data=form, headers=headers)

    async def sms(self, body: str, **more: str) -> httpx.Response:
        form = {
            "MessageSid": f"SM{new_id().hex}",
            "From": "+12125550123",
            "To": "+12025550100",
            "Body": body,
            "NumMedia": "0",
        }
        return await self.twilio("inbound", form | more)

    async def sandbox(self, kind: str, channel: str, body: dict[str, Any]) -> httpx.Response:
        """A webhook of the sandbox, signed."""
        account = self.accounts["sandbox", channel]
        raw = orjson.dumps(body)
        key = self.keys.sandbox_keys(account.id)[0]
        signature = hmac.new(key, raw, hashlib.sha256).hexdigest()
        return await self.client.post(
            self.path(kind, channel=channel, provider="sandbox"),
            content=raw,
            headers={"X-Followup-Signature": signature, "Content-Type": "application/json"},
        )

    async def api(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        return await self.client.request(method, path, headers=headers, **more)

    async def lead(self, **fields: Any) -> NewLead:
        """A person of New York with an enquiry."""
        lead = NewLead(
            **{
                "tenant_id": self.tenant.id,
                "lead_id": new_id(),
                "person_id": new_id(),
                "source": "web_form",
                "received_at": self.clock(),
                "first_name": "Ada",
                "phone_e164": "+12125550123",
                "email": "Ada@example.com",
                "email_match_key": "ada@example.com",
                "country": "US",
                "state": "NY",
                "postal_code": "10001",
                "consent": "yes",
            }
            | fields
        )
        async with self.databases.worker.transaction() as tx:
            await upsert_leads(tx, [lead])
        return lead

    async def sent(
        self, lead: NewLead, *, account: Account | None = None, **more: Any
    ) -> TouchSent:
        """A touch that went to a lead, told as the dispatcher tells it."""
        event = self.touch(lead, account=account, **more)
        await self.tell(event)
        return event

    def touch(self, lead: NewLead, *, account: Account | None = None, **more: Any) -> TouchSent:
        """The same without telling it."""
        account = account or self.accounts["twilio", "sms"]
        fields = {
            "touch_id": new_id(),
            "enrollment_id": new_id(),
            "lead_id": lead.lead_id,
            "person_id": lead.person_id,
            "channel": account.channel,
            "round": 1,
            "at": self.clock(),
            "attempt_id": new_id(),
            "account_id": account.id,
            "provider": account.provider,
            "provider_ref": f"SM{new_id().hex}",
            "sender": "+12025550100",
        }
        return TouchSent(**(fields | more))

    async def tell(self, *payloads: Payload) -> None:
        """Have the service's own consumer handle these in one batch."""
        messages = [
            Message.of(
                payload,
                id=new_id(),
                tenant_id=self.tenant.id,
                source="dispatcher",
                subject="test",
                time=self.clock(),
            )
            for payload in payloads
        ]
        (consumer,) = [r for r in self.service.runners if r.name == "replies:replies.sent"]
        await consumer._handle_all(messages)

    async def sweep(self) -> int:
        """One round of the sweep of parked callbacks."""
        (loop,) = [r.loop for r in self.service.runners if r.name == "replies:parked"]
        return (await loop.run_once()).worked

    async def rows(self, statement: str, **params: Any) -> list[dict[str, Any]]:
        async with self.databases.worker.transaction() as tx:
            return [dict(row) for row in await tx.all(text(statement), **params)]

    async def events(self, *kinds: str) -> list[Any]:
        """The payloads of all events so far, oldest first; of these classes only, if any."""
        rows = await self.rows("SELECT body FROM messaging.outbox ORDER BY id")
        found = [decode(bytes(row["body"])).data for row in rows]
        return [data for data in found if not kinds or type(data).__name__ in kinds]

    async def listed(self, kind: str, address: str) -> set[str]:
        """The channels an address is listed for."""
        hashed = AddressHasher(self.keys.suppression_key).hash(kind, address)
        rows = await self.rows(
            "SELECT channel FROM suppression.list WHERE hash = :hash AND lifted_at IS NULL"
            " AND tenant_id = :tenant",
            hash=hashed,
            tenant=self.tenant.id,
        )
        return {row["channel"] for row in rows}

    async def consent(self, person_id: UUID) -> dict[str, str]:
        (row,) = await self.rows("SELECT consent FROM people.persons WHERE id = :id", id=person_id)
        return {channel: said["state"] for channel, said in row["consent"].items()}

    async def held(self) -> list[UUID]:
        """Persons under a hold."""
        return [
            row["person_id"] for row in await self.rows("SELECT person_id FROM suppression.holds")
        ]

    def unsubscribe_token(self, lead: NewLead, *, kind: str = "unsubscribe") -> str:
        hasher = AddressHasher(self.keys.suppression_key)
        return LinkSigner(self.keys.link_key).sign(
            kind,
            tenant_id=self.tenant.id,
            touch_id=new_id(),
            person_id=lead.person_id,
            address_hash=hasher.hash("email", lead.email),
        )


def sha256_signature(url: str, form: dict[str, str], secret: str) -> str:
    """A signature of the newer mode, reckoned by hand from the vendor's description."""
    signed = url + "".join(name + form[name] for name in sorted(form))
    digest = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


@pytest.fixture
def public_url() -> str | None:
    """Where the vendor reaches us; tests override it."""
    return PUBLIC


@pytest.fixture
async def house(
    database_url: str, clock: MovableClock, tmp_path: Path, public_url: str | None
) -> AsyncIterator[House]:
    settings = Settings(data_dir=tmp_path, public_url=public_url, mail_listen=MAIL_LISTEN)
    keys = keys_of(settings)
    databases = Databases.open(database_url, api_pool=4, worker_pool=8, clock=clock)
    async with databases.worker.transaction() as tx:
        tenant = await create_tenant(tx, "acme", "Acme", {"business_name": "Acme Roofing"})
        token = (await create_key(tx, tenant.id, name="test", scopes=["*"])).token
        accounts = {}
        for provider in ("twilio", "sandbox"):
            for channel in CHANNELS:
                accounts[provider, channel] = await put_account(
                    tx,
                    tenant.id,
                    channel=channel,
                    provider=provider,
                    name=f"{provider} {channel}",
                    settings={"account_sid": "AC1", "keyword_replies": "ours"},
                    # An account with an API key: its auth token is for webhooks alone.
                    sealed=Vault(keys.secret_keys).seal(
                        {
                            "api_key_sid": "SK1",
                            "api_key_secret": "made-up",
                            "auth_token": AUTH_TOKEN,
                            "webhook_key_sid": "WK1",
                            "webhook_key_secret": SHARED_KEY,
                        }
                    ),
                )
    wall, metrics, bus = Wall(), Metrics(), InProcessBus()
    await bus.connect()
    fence = StopFence(monotonic=wall.monotonic, sleep=wall.sleep)
    fetched = {}

    async def get(url: str) -> bytes:
        asked.append(url)
        if url not in fetched:
            raise ValueError("there is no such address")
        return fetched[url]

    asked: list[str] = []
    service = build(settings, bus=bus, databases=databases, metrics=metrics, fence=fence, get=get)
    app = create_app([service], databases, metrics)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://replies:8004") as client:
        yield House(
            client,
            service,
            databases,
            clock,
            metrics,
            wall,
            keys,
            tenant,
            accounts,
            token,
            fetched,
            asked,
        )
    await bus.close()
    await databases.close()


@pytest.fixture
def later(clock: MovableClock) -> Any:
    """Let business time pass."""
    return lambda **span: clock.advance(timedelta(**span))


@pytest.fixture(params=SIGNERS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
async def played(house, kind) -> Played:
    signer = SIGNERS[kind]()
    if kind == "ses":
        house.fetched[CERTIFICATE] = PEMS["ses"].pem()
    return await Played.by(house, signer)
