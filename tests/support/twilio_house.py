"""A tenant of the running product whose texts and calls go by a stand-in of Twilio."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree as ET

from followup_directory import Account, Vault, put_account, set_tenant_settings
from followup_runtime.keyring import keys_of
from followup_testkit.twilio import Request, StubProvider
from followup_testkit.twilio.server import callback_form, sign

OURS = "+12025550100"
TENANT = {"business_name": "Example Roofs", "sandbox": False}


@dataclass
class TwilioHouse:
    """The product, the vendor's stand-in, and the tenant's account for calls."""

    followup: Any
    vendor: StubProvider
    voice: Account

    async def set(self, **settings: Any) -> None:
        """Change the tenant's settings."""
        house = self.followup.house
        async with house.databases.worker.transaction() as tx:
            await set_tenant_settings(tx, house.tenant.id, settings)

    def to(self, lead: Any) -> list[Request]:
        """What went to a person through the vendor, in order."""
        return [each for each in self.vendor.ledger if f"person={lead.person_id}" in _told(each)]

    def texts(self, lead: Any) -> list[str]:
        """The texts that went to a person."""
        return [each.body or "" for each in self.to(lead) if each.kind == "Messages"]

    def call(self, lead: Any) -> "PhoneCall":
        """The last call to a person."""
        return PhoneCall(self, [each for each in self.to(lead) if each.kind == "Calls"][-1])


@dataclass
class PhoneCall:
    """A call as its vendor goes through it: asks what to say, presses keys, reports its end."""

    house: TwilioHouse
    request: Request

    async def ask(self, url: str, **fields: str) -> ET.Element:
        """What is to be said or done next, as TwiML."""
        answer = await self._post(url, {"CallStatus": "in-progress"} | fields)
        assert answer.status_code == 200, (url, answer.status_code, answer.text)
        return ET.fromstring(answer.text)  # noqa: S314 - our own

    async def answered(self, by: str) -> ET.Element:
        """Somebody or something picks up."""
        return await self.ask(str(self.request.field("Url")), AnsweredBy=by)

    async def press(self, said: ET.Element, key: str, **fields: str) -> ET.Element:
        """A key, while this is said."""
        gather = said.find("Gather")
        assert gather is not None
        return await self.ask(str(gather.get("action")), Digits=key, **fields)

    async def over(self, status: str, **fields: str) -> None:
        """The call ends."""
        url = str(self.request.callback_url)
        answer = await self._post(url, {"CallStatus": status} | fields)
        assert answer.is_success, (url, answer.status_code, answer.text)

    async def _post(self, url: str, fields: Mapping[str, str]) -> Any:
        vendor = self.house.vendor
        form = callback_form(self.request, "queued", vendor.account_sid) | fields
        headers = {"X-Twilio-Signature": sign(vendor.auth_token, url, form)}
        return await self.house.followup.client.post(url, data=form, headers=headers)


def words(root: ET.Element) -> str:
    """Everything that is said."""
    return " ".join(say.text or "" for say in root.iter("Say"))


def planted(request: Request) -> dict[str, str]:
    """The ids that go along with a message or call."""
    return dict(parse_qsl(urlsplit(_told(request)).query))


def _told(request: Request) -> str:
    return request.callback_url or ""


@asynccontextmanager
async def twilio_house(followup: Any, **voice: Any) -> AsyncIterator[TwilioHouse]:
    """Leave the sandbox with two accounts at the stand-in; `voice`: settings of that for calls."""
    house = followup.house
    vault = Vault(keys_of(house.settings).secret_keys)
    async with StubProvider() as vendor:
        settings = {
            "account_sid": vendor.account_sid,
            "base_url": vendor.base_url,
            "from": OURS,
            "rate_per_second": 50,
            "burst": 50,
        }
        accounts = {}
        async with house.databases.worker.transaction() as tx:
            await set_tenant_settings(tx, house.tenant.id, TENANT)
            for channel, more in (("sms", {}), ("voice", voice)):
                accounts[channel] = await put_account(
                    tx,
                    house.tenant.id,
                    channel=channel,
                    provider="twilio",
                    name=f"twilio {channel}",
                    settings=settings | more,
                    sealed=vault.seal({"auth_token": vendor.auth_token}),
                )
        yield TwilioHouse(followup, vendor, accounts["voice"])
