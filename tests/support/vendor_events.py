"""What vendors say in their webhooks, and one of them played against the house."""

from typing import Any

import orjson
from signed_hooks import (
    Signer,
    Topic,
    mailgun,
    meta,
    now,
    postmark,
    sendgrid,
    standard,
    telnyx,
    vonage_params,
    vonage_token,
)

from followup_database import new_id

TABLES = (
    "replies.messages",
    "replies.parts",
    "replies.callbacks",
    "replies.spent",
    "suppression.list",
    "messaging.outbox",
)
ADDRESS = "Ada@example.com"
PHONE = "+12125550123"


class Played:
    """One vendor against the house."""

    def __init__(self, house: Any, signer: Signer, topic: Topic | None = None) -> None:
        self.house, self.signer, self.topic = house, signer, topic

    @classmethod
    async def by(cls, house: Any, signer: Signer) -> "Played":
        await house.account(
            signer.provider, signer.channel, secrets=signer.secrets, **signer.settings
        )
        return cls(house, signer)

    @property
    def path(self) -> str:
        return self.house.path("events", channel=self.signer.channel, provider=self.signer.provider)

    async def send(self, value: Any, *, ago: float = 0, query: str = "") -> Any:
        content, headers = self.signer.sign(orjson.dumps(value), now() - ago)
        return await self.raw(content, headers, query)

    async def raw(self, content: bytes, headers: dict[str, str], query: str = "") -> Any:
        return await self.house.client.post(self.path + query, content=content, headers=headers)

    async def touch(self, lead: Any, **more: Any) -> Any:
        account = self.house.accounts[self.signer.provider, self.signer.channel]
        return await self.house.sent(lead, account=account, **more)


def ses() -> Signer:
    topic = Topic()
    signer = topic.signer()
    PEMS[signer.provider] = topic
    return signer


PEMS: dict[str, Topic] = {}

SIGNERS = {
    "telnyx": telnyx,
    "sendgrid": sendgrid,
    "mailgun": mailgun,
    "postmark": postmark,
    "vonage": vonage_token,
    "vonage sms": vonage_params,
    "meta": meta,
    "ses": ses,
    "webhook": standard,
}


def delivered(provider: str, ref: str) -> Any:  # noqa: PLR0911 - one a vendor
    """The vendor's word for a message that has arrived, with nothing of ours in it."""
    match provider:
        case "telnyx":
            return telnyx_event("message.finalized", ref, "delivered")
        case "sendgrid":
            return [sendgrid_event("delivered", ref)]
        case "mailgun":
            return mailgun_event("delivered", ref)
        case "postmark":
            return {"RecordType": "Delivery", "MessageID": ref, "Recipient": ADDRESS,
                    "DeliveredAt": "2026-11-22T08:00:00Z", "Metadata": {}}  # fmt: skip
        case "vonage":
            return {"message_uuid": ref, "to": "12125550123", "from": "12025550100",
                    "timestamp": "2026-11-22T08:00:00.000Z", "status": "delivered",
                    "channel": "sms"}  # fmt: skip
        case "vonage sms":
            return {"msisdn": "12125550123", "to": "12025550100", "network-code": "310260",
                    "messageId": ref, "price": "0.0333", "status": "delivered",
                    "scts": "2611220800", "err-code": "0", "api-key": "abcd1234",
                    "message-timestamp": "2026-11-22 08:00:00"}  # fmt: skip
        case "meta":
            return meta_change({"statuses": [meta_status(ref, "delivered")]})
        case "ses":
            return ses_event("Delivery", ref, delivery={"recipients": [ADDRESS]})
        case _:
            return {"type": "message.status", "data": {"ref": ref, "state": "delivered"}}


def telnyx_event(name: str, ref: str, status: str, **more: Any) -> dict[str, Any]:
    payload = {
        "record_type": "message",
        "direction": "outbound",
        "id": ref,
        "type": "SMS",
        "from": {"phone_number": "+12025550100", "carrier": "TELNYX LLC"},
        "to": [{"phone_number": PHONE, "status": status, "carrier": "T-MOBILE"}],
        "text": "Hi",
        "errors": [],
    } | more
    return {
        "data": {
            "record_type": "event",
            "id": str(new_id()),
            "event_type": name,
            "occurred_at": "2026-11-22T08:00:00.000Z",
            "payload": payload,
        },
        "meta": {"attempt": 1, "delivered_to": "https://example.com"},
    }


def sendgrid_event(name: str, ref: str, **more: Any) -> dict[str, Any]:
    return {
        "email": ADDRESS,
        "timestamp": 1795334400,
        "smtp-id": "<x@ismtpd0001>",
        "event": name,
        "sg_event_id": f"{name}-{new_id().hex}",
        "sg_message_id": f"{ref}.filter0001.16648.5515E0B88.0",
        "category": ["followup"],
    } | more


def mailgun_event(name: str, ref: str, **more: Any) -> dict[str, Any]:
    return {
        "event-data": {
            "event": name,
            "id": new_id().hex,
            "timestamp": 1795334400.123,
            "recipient": ADDRESS,
            "message": {"headers": {"message-id": ref.strip("<>"), "to": ADDRESS}},
            "user-variables": {},
        }
        | more
    }


def meta_status(ref: str, status: str, **more: Any) -> dict[str, Any]:
    return {"id": ref, "status": status, "timestamp": "1795334400",
            "recipient_id": "12125550123"} | more  # fmt: skip


def meta_change(value: dict[str, Any], field: str = "messages") -> dict[str, Any]:
    metadata = {"display_phone_number": "12025550100", "phone_number_id": "1"}
    whole = {"messaging_product": "whatsapp", "metadata": metadata} | value
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": "7", "changes": [{"value": whole, "field": field}]}],
    }


def ses_event(name: str, ref: str, **more: Any) -> dict[str, Any]:
    mail = {"messageId": ref, "source": "us@example.org", "destination": [ADDRESS], "tags": {}}
    return {"eventType": name, "mail": mail} | more


async def nothing_kept(house: Any) -> bool:
    return not any([await house.rows(f"SELECT 1 FROM {table}") for table in TABLES])
