"""WhatsApp and Instagram messages through Meta's Graph API.

WhatsApp echoes the attempt (`biz_opaque_callback_data`) in every status. Instagram echoes
nothing, and neither can be asked, so a lost answer waits for the webhook or a person.

Settings: `base_url` (default https://graph.facebook.com), `version` (default v23.0); for
WhatsApp `phone_number_id`, for Instagram `account_id`. Secret: `access_token`.
"""

import re
from collections.abc import Mapping
from typing import Any

from followup_contracts.channels import Channel
from followup_dispatcher.providers import settings as read
from followup_dispatcher.providers.http_answers import fields, inside, text
from followup_dispatcher.providers.http_auth import bearer
from followup_dispatcher.providers.http_body import json
from followup_dispatcher.providers.http_line import HttpLine, Reply
from followup_dispatcher.providers.http_provider import Dialect, HttpProvider, Request
from followup_dispatcher.providers.meta_answers import CODES
from followup_dispatcher.providers.port import Accepted, Answer, Call, Refused, Unknown

VERSION = "v23.0"

WHATSAPP_LIMIT = 4096
"""Characters (developers.facebook.com/docs/whatsapp/cloud-api/messages/text-messages)."""

VARIABLE_LIMIT = 1024
"""Characters of an approved form's body (.../whatsapp/cloud-api/reference/messages)."""

INSTAGRAM_LIMIT = 1000
"""Octets in UTF-8 (developers.facebook.com/docs/instagram-platform/instagram-api-with-
instagram-login/messaging-api)."""

_ID = re.compile(r"\d{1,32}")
_VERSION = re.compile(r"v\d{1,3}\.\d{1,2}")


class WhatsApp(Dialect):
    """A number that sends WhatsApp messages."""

    name = "meta"
    channel: Channel = "whatsapp"
    codes = CODES

    def __init__(self, version: str, number_id: str) -> None:
        self._path = f"/{version}/{number_id}/messages"

    def request(self, call: Call) -> Request | Refused:
        """Free text, or the approved form with the text as its one variable."""
        words, form = call.content.text, call.content.template
        most = WHATSAPP_LIMIT if form is None else VARIABLE_LIMIT
        if len(words) > most:
            return Refused("too-long", f"more than {most} characters")
        message: dict[str, Any] = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": call.to.removeprefix("+"),
            "biz_opaque_callback_data": str(call.attempt_id),
        }
        if form is None:
            message |= {"type": "text", "text": {"preview_url": False, "body": words}}
        else:
            message |= {"type": "template", "template": _approved(form, words)}
        return Request(self._path, json(message))

    def taken(self, reply: Reply, _call: Call) -> Answer:
        """`messages[0].id`."""
        ref = text(inside(fields(reply.body), "messages", 0, "id"))
        return Accepted(ref) if ref else Unknown("accepted by an answer that cannot be read")


class Instagram(Dialect):
    """A professional account that answers on Instagram."""

    name = "meta"
    channel: Channel = "instagram"
    codes = CODES

    def __init__(self, version: str, account_id: str) -> None:
        self._path = f"/{version}/{account_id}/messages"

    def request(self, call: Call) -> Request | Refused:
        """Free text."""
        words = call.content.text
        if len(words.encode()) > INSTAGRAM_LIMIT:
            return Refused("too-long", f"more than {INSTAGRAM_LIMIT} octets")
        return Request(self._path, json({"recipient": {"id": call.to}, "message": {"text": words}}))

    def taken(self, reply: Reply, _call: Call) -> Answer:
        """`message_id`."""
        ref = text(inside(fields(reply.body), "message_id"))
        return Accepted(ref) if ref else Unknown("accepted by an answer that cannot be read")


def whatsapp(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> HttpProvider:
    """An adapter from an account's settings (above)."""
    dialect = WhatsApp(_version(settings), _number(settings, "phone_number_id"))
    return HttpProvider(dialect, _line(settings, secrets))


def instagram(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> HttpProvider:
    """An adapter from an account's settings (above)."""
    dialect = Instagram(_version(settings), _number(settings, "account_id"))
    return HttpProvider(dialect, _line(settings, secrets))


def _line(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> HttpLine:
    url = read.base_url(settings, "https://graph.facebook.com")
    return HttpLine(url, auth=bearer(read.text(secrets, "access_token")))


def _version(settings: Mapping[str, Any]) -> str:
    version = read.text(settings, "version", VERSION)
    if not _VERSION.fullmatch(version):
        raise ValueError("version: such as v23.0")
    return version


def _number(settings: Mapping[str, Any], name: str) -> str:
    value = read.text(settings, name)
    if not _ID.fullmatch(value):
        raise ValueError(f"{name}: digits only, as a text")
    return value


def _approved(form: str, words: str) -> dict[str, Any]:
    """A form by `name/language`. Its variables hold no line breaks (Meta refuses them)."""
    name, _, language = form.partition("/")
    variable = {"type": "text", "text": " ".join(words.split())}
    return {
        "name": name,
        "language": {"code": language},
        "components": [{"type": "body", "parameters": [variable]}],
    }
