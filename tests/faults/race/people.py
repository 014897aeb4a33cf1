"""Whom a race is about: tenants with accounts of different speed, and their people."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from fleet import lead as lead_of
from sqlalchemy import text

from followup_database import Database, Role
from followup_directory import Account, Vault, create_key, create_tenant, put_account
from race.asking import ask
from race.ground import Ground

TOKEN = "the provider's token"  # opens nothing

SEQUENCES: dict[str, tuple[str, ...]] = {
    "text": ("sms",),
    "text-and-letter": ("sms", "email"),
    "letter-and-text": ("email", "sms"),
}
"""By the channels of their touches: after a stop none of them may begin."""

AFTER, APART = 3, 1
"""Seconds from the enrolment to a sequence's first touch, and from there to its second:
of the same round, for a person has one a day (R6)."""

_DOCUMENT = """
format: 1
key: {key}
name: A race
steps:
  - id: only
    at: {{after: {after}s, window: at_once}}
    touches:
{touches}
end:
  wait: 2d
templates:
{templates}
"""
_TOUCH = "      - {{channel: {channel}, template: {channel}, delay: {delay}s}}"
_TEMPLATES = {
    "sms": """
  sms:
    text: >-
      Hi {{ person.first_name | default: "there" }}, thank you for asking about
      {{ lead.need | default: "our service" }}. Is tomorrow good for a call?
      Reply STOP to opt out.
""",
    "email": """
  email:
    subject: Your question
    text: >-
      Hi {{ person.first_name | default: "there" }}, thank you for asking about
      {{ lead.need | default: "our service" }}. Is tomorrow good for a call?
""",
}

_PLANNED = text("""
SELECT DISTINCT ON (lead_id) lead_id, enrollment_id, id AS touch_id, due_at
FROM scheduler.touches WHERE tenant_id = :tenant AND lead_id = ANY(CAST(:leads AS uuid[]))
ORDER BY lead_id, due_at
""")


def documents() -> dict[str, str]:
    """Every sequence of the race, by its key."""
    return {key: _document(key, channels) for key, channels in SEQUENCES.items()}


def _document(key: str, channels: Sequence[str]) -> str:
    touches = [
        _TOUCH.format(channel=channel, delay=place * APART)
        for place, channel in enumerate(channels)
    ]
    templates = "".join(_TEMPLATES[channel] for channel in channels)
    return _DOCUMENT.format(key=key, after=AFTER, touches="\n".join(touches), templates=templates)


@dataclass(frozen=True, slots=True)
class Pace:
    """How an account sends: seconds per answer in its name, and its rate."""

    sid: str
    per_second: float | None = None


PACES = {
    "quick": Pace("AC0040quick"),  # stops meet calls in flight
    "paced": Pace("AC0020paced", per_second=25.0),  # claims that wait for their slot
    "crowded": Pace("AC0700crowded"),  # commands that wait for the account's share
}


LINKED = "crowded"
"""The pace whose texts may be sent by way of a link of the run's own."""


@dataclass(slots=True)
class Client:
    """A tenant: its key, and the account that texts come in by."""

    id: UUID
    token: str
    texts: Account

    def headers(self, kind: str = "application/json") -> dict[str, str]:
        """Of a request with the tenant's key."""
        return {"Authorization": f"Bearer {self.token}", "Content-Type": kind}


@dataclass(slots=True)
class Person:
    """Somebody with one lead in one sequence; `due` is business time of the first touch."""

    number: int
    client: Client
    pace: str
    sequence: str
    phone: str
    email: str
    lead_id: UUID
    person_id: UUID
    enrollment_id: UUID | None = None
    touch_id: UUID | None = None
    due: datetime | None = None

    @property
    def name(self) -> str:
        """What their sends are collected under."""
        return self.phone

    @property
    def first(self) -> str:
        """What they get first: a text or a letter."""
        return self.sequence.partition("-")[0]

    @property
    def linked(self) -> bool:
        """Whether their texts go by the link that may be slow."""
        return self.pace == LINKED


@dataclass
class People:
    """Makes tenants and people by the public ways in, and looks up what is planned."""

    ground: Ground
    database: Database
    clients: dict[str, Client] = field(default_factory=dict)
    made: int = 0

    @classmethod
    def on(cls, ground: Ground) -> "People":
        """On this ground; nobody is there yet."""
        url = ground.servers.database_url
        return cls(ground, Database(url, role=Role.WORKER, pool_size=2))

    async def settle(self, *, base_urls: dict[str, str] | None = None) -> None:
        """Make the tenants; `base_urls` are where some of their accounts are reached."""
        for pace in PACES:
            base = (base_urls or {}).get(pace, self.ground.provider)
            self.clients[pace] = await self._client(pace, base)

    async def add(self, pace: str, sequences: Sequence[str], *, lane: str) -> list[Person]:
        """Post leads as one batch, one for each of these sequences; everybody is new."""
        client = self.clients[pace]
        numbers = range(self.made + 1, self.made + len(sequences) + 1)
        self.made += len(sequences)
        bodies = [_lead(*each) for each in zip(numbers, sequences, strict=True)]
        posted = await ask(
            "POST",
            f"{self.ground.urls['intake-1']}/v1/leads/batch?lane={lane}",
            b"\n".join(json.dumps(body).encode() for body in bodies),
            headers=client.headers("application/x-ndjson"),
        )
        if posted.status != 200:
            raise RuntimeError(f"leads were not taken: {posted.status} {posted.body[:300]!r}")
        answers = [json.loads(line) for line in posted.body.splitlines()]
        return [
            Person(
                number=number,
                client=client,
                pace=pace,
                sequence=str(body["sequence"]),
                phone=str(body["phone"]),
                email=str(body["email"]),
                lead_id=UUID(answer["lead_id"]),
                person_id=UUID(answer["person_id"]),
            )
            for number, body, answer in zip(numbers, bodies, answers, strict=True)
        ]

    async def planned(self, waiting: Sequence[Person]) -> list[Person]:
        """Those of these whose first touch is planned by now."""
        found: list[Person] = []
        for client in self.clients.values():
            theirs = {p.lead_id: p for p in waiting if p.client is client}
            async with self.database.transaction() as tx:
                rows = await tx.all(_PLANNED, tenant=client.id, leads=list(theirs))
            for row in rows:
                person = theirs[row["lead_id"]]
                person.enrollment_id, person.touch_id = row["enrollment_id"], row["touch_id"]
                person.due = row["due_at"]
                found.append(person)
        return found

    async def close(self) -> None:
        """Let go of the database."""
        await self.database.close()

    async def _client(self, name: str, base_url: str) -> Client:
        pace, vault = PACES[name], Vault([self.ground.secret_key])
        rate = {} if pace.per_second is None else {"rate_per_second": pace.per_second}
        settings = {"base_url": base_url, "account_sid": pace.sid, "from": "+12025550100"}
        relay = {
            "host": "127.0.0.1",
            "port": self.ground.mail,
            "tls": "none",
            "connections": 50,
            "from": "Race <race@race.example>",
        }
        async with self.database.transaction() as tx:
            about = {"business_name": name.title(), "sandbox": False, "postal_address": "1 Main St"}
            tenant = await create_tenant(tx, name, name.title(), about)
            texts = await put_account(
                tx,
                tenant.id,
                channel="sms",
                provider="twilio",
                name="texts",
                settings=settings | rate,
                sealed=vault.seal({"auth_token": TOKEN}),
            )
            await put_account(
                tx,
                tenant.id,
                channel="email",
                provider="smtp",
                name="letters",
                settings=relay | rate,
                sealed=vault.seal({}),
            )
            key = await create_key(tx, tenant.id, "race")
        client = Client(tenant.id, key.token, texts)
        for key, document in documents().items():
            await self._publish(client, key, document)
        return client

    async def _publish(self, client: Client, key: str, document: str) -> None:
        url = f"{self.ground.urls['scheduler-1']}/v1/sequences/{key}"
        headers = client.headers("application/yaml")
        for method, path, body in (("PUT", url, document), ("POST", f"{url}/publish", "")):
            answer = await ask(method, path, body.encode(), headers=headers)
            if answer.status >= 300:
                raise RuntimeError(f"{path}: {answer.status} {answer.body[:300]!r}")


def _lead(number: int, sequence: str) -> dict[str, object]:
    return lead_of(number) | {"email": f"p{number}@race.example", "sequence": sequence}
