"""What a run needs in the database: a tenant with an account at the stub, and leads
whose law allows a message at this hour, whatever the hour is."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

from followup_database import Database, Role, migrate
from followup_directory import Vault, create_key, create_tenant, put_account
from followup_embedded.owners import OWNERS
from followup_policy.quiet import quiet_hours
from followup_policy.zones import Place, whereabouts

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


def leads(count: int, *, start: int, sequence: str) -> Iterator[dict[str, object]]:
    """Leads of different people in a place that is open now."""
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
            "sequence": sequence,
        }


def _number(prefix: str, number: int) -> str:
    digits = 10 - len(prefix) + 2 if prefix.startswith("+1") else 8
    return f"{prefix}{number + 2 * 10 ** (digits - 1):0{digits}d}"


async def prepare(database_url: str, *, stub: str, secret_key: str) -> tuple[UUID, str]:
    """Migrate, and make the tenant; returns its id and an API key."""
    await migrate(database_url, OWNERS)
    database = Database(database_url, role=Role.WORKER)
    async with database.transaction() as tx:
        tenant = await create_tenant(
            tx, "bench", "Bench", {"business_name": "Bench", "sandbox": False}
        )
        await put_account(
            tx,
            tenant.id,
            channel="sms",
            provider="twilio",
            name="stub",
            settings={"base_url": stub, "account_sid": "AC0", "from": "+12025550100"},
            sealed=Vault([secret_key]).seal({"auth_token": "stub"}),
        )
        key = await create_key(tx, tenant.id, "bench")
    await database.close()
    return tenant.id, key.token
