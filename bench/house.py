"""Who a measurement works for: tenants with accounts at the stub, and leads whose law
allows a message at this hour, whatever the hour is."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from followup_database import Database, Role, migrate
from followup_directory import Vault, create_key, create_tenant, put_account
from followup_embedded.owners import OWNERS
from followup_policy.quiet import quiet_hours
from followup_policy.zones import Place, whereabouts

AUTH_TOKEN = "stub"  # noqa: S105 - opens nothing
OWN_NUMBER = "+12025550100"

# Between them some place is open at any hour of any day: New York 8 to 21, Los Angeles
# and Honolulu after it, India 10 to 21.
PLACES = (
    ("US", "NY", "10001", "+1212"),
    ("US", "CA", "94103", "+1415"),
    ("US", "HI", "96813", "+1808"),
    ("IN", None, None, "+9198"),
)
SEQUENCE = """
format: 1
key: bench
name: One text
steps:
  - id: only
    at: {{after: {after}, window: at_once}}
    touches:
      - channel: sms
        template: hello
end:
  wait: 2d  # as every sequence of the library does
templates:
  hello:
    text: >-
      Hi {{{{ person.first_name | default: "there" }}}}, thank you for asking about
      {{{{ lead.need | default: "our service" }}}}. Is tomorrow good for a call?
      Reply STOP to opt out.
"""


@dataclass(frozen=True)
class Client:
    """A tenant, its key for the API and its account at the stub."""

    tenant_id: UUID
    token: str
    account_id: UUID


@dataclass
class House:
    """The tenants of a measurement, and leads that were not there before."""

    clients: list[Client]
    phones: list[str] = field(default_factory=list)

    def leads(self, count: int) -> list[dict[str, object]]:
        """Leads of people nobody has heard of."""
        made = list(_leads(count, start=len(self.phones)))
        self.phones += [str(lead["phone"]) for lead in made]
        return made


async def furnish(database_url: str, *, stub: str, secret_key: str, tenants: int = 1) -> House:
    """Migrate an empty database and make tenants in it."""
    await migrate(database_url, OWNERS)
    database = Database(database_url, role=Role.WORKER)
    clients = [
        await _client(database, f"bench{number}", stub=stub, vault=Vault([secret_key]))
        for number in range(tenants)
    ]
    await database.close()
    return House(clients)


async def _client(database: Database, key: str, *, stub: str, vault: Vault) -> Client:
    async with database.transaction() as tx:
        tenant = await create_tenant(tx, key, "Bench", {"business_name": "B", "sandbox": False})
        account = await put_account(
            tx,
            tenant.id,
            channel="sms",
            provider="twilio",
            name="stub",
            settings={"base_url": stub, "account_sid": "AC0", "from": OWN_NUMBER},
            sealed=vault.seal({"auth_token": AUTH_TOKEN}),
        )
        made = await create_key(tx, tenant.id, "bench")
    return Client(tenant.id, made.token, account.id)


def open_place(now: datetime) -> tuple[str, str | None, str | None, str]:
    """A place in which texts are lawful for the next half hour."""
    for country, state, postal, prefix in PLACES:
        where = whereabouts(
            Place(
                stated_zone=None,
                country=country,
                state=state,
                postal_code=postal,
                phone=_number(prefix, 1),
            )
        )
        if quiet_hours("sms", where=where, now=now, span=timedelta(minutes=30)).allowed:
            return country, state, postal, prefix
    raise RuntimeError(f"nobody may be texted at {now:%A %H:%M} UTC")


def _leads(count: int, *, start: int) -> Iterator[dict[str, object]]:
    country, state, postal, prefix = open_place(datetime.now(UTC))
    for number in range(start, start + count):
        yield {
            "first_name": "Robin",
            "phone": _number(prefix, number),
            "country": country,
            "state": state,
            "postal_code": postal,
            "source": "web_form",
            "need": "a new roof",
            "consent": True,
            "sequence": "bench",
        }


def _number(prefix: str, number: int) -> str:
    digits = 10 - len(prefix) + 2 if prefix.startswith("+1") else 8
    return f"{prefix}{number + 2 * 10 ** (digits - 1):0{digits}d}"
