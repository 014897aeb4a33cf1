"""E-mail through Amazon SES, API v2.

The letter goes whole, as we compose it; SES gives it another Message-ID and shows our
attempt as a tag in its events. It keeps no record that could be asked by attempt.

Settings: `region`, `configuration_set`, `base_url` (default the region's). Secrets:
`access_key_id`, `secret_access_key`, `session_token`.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from followup_contracts.channels import Channel
from followup_dispatcher.providers import settings as read
from followup_dispatcher.providers.aws_signature import SigV4
from followup_dispatcher.providers.http_answers import fields, inside, text
from followup_dispatcher.providers.http_body import json
from followup_dispatcher.providers.http_line import HttpLine, Reply
from followup_dispatcher.providers.http_provider import Dialect, HttpProvider, Request
from followup_dispatcher.providers.machine_clock import Clock, machine_clock
from followup_dispatcher.providers.mail_limits import correspondents
from followup_dispatcher.providers.mail_message import compose, message_id
from followup_dispatcher.providers.port import Accepted, Answer, Call, Refused, Unknown
from followup_dispatcher.providers.ses_answers import CODES

LETTER_LIMIT = 40 * 1024 * 1024 * 3 // 4
"""Octets before Base64 (docs.aws.amazon.com/ses/latest/dg/quotas.html: 40 MB after it)."""

_REGION = re.compile(r"[a-z]{2}(-[a-z]{2,12}){1,3}-\d")


class AmazonSes(Dialect):
    """A region of an account that sends letters."""

    name = "ses"
    channel: Channel = "email"
    codes = CODES

    def __init__(self, configuration_set: str | None, *, clock: Clock = machine_clock) -> None:
        self._configuration_set = configuration_set
        self._clock = clock

    def request(self, call: Call) -> Request | Refused:
        """JSON around the whole letter."""
        who = correspondents(call, most=LETTER_LIMIT)
        if isinstance(who, Refused):
            return who
        octets = compose(
            call.content,
            sender=who.sender,
            recipient=who.recipient,
            message_id=message_id(call.attempt_id, call.sender),
            now=self._clock(),
        )
        message: dict[str, Any] = {
            "FromEmailAddress": str(who.sender),
            "Destination": {"ToAddresses": [who.recipient.addr_spec]},
            "Content": {"Raw": {"Data": b64encode(octets).decode()}},
            "EmailTags": [
                {"Name": "attempt", "Value": str(call.attempt_id)},
                {"Name": "touch", "Value": str(call.touch_id)},
            ],
        }
        if self._configuration_set is not None:
            message["ConfigurationSetName"] = self._configuration_set
        return Request("/v2/email/outbound-emails", json(message))

    def taken(self, reply: Reply, _call: Call) -> Answer:
        """`MessageId`, which its events name."""
        ref = text(inside(fields(reply.body), "MessageId"))
        return Accepted(ref) if ref else Unknown("accepted by an answer that cannot be read")


def ses(
    settings: Mapping[str, Any], secrets: Mapping[str, str], *, clock: Clock = machine_clock
) -> HttpProvider:
    """An adapter from an account's settings (above)."""
    region = read.text(settings, "region")
    if not _REGION.fullmatch(region):
        raise ValueError("region: the name of a region is required, such as eu-central-1")
    proof = SigV4(
        access_key=read.text(secrets, "access_key_id"),
        secret_key=read.text(secrets, "secret_access_key"),
        session_token=read.optional(secrets, "session_token"),
        region=region,
        service="ses",
    )
    line = HttpLine(read.base_url(settings, f"https://email.{region}.amazonaws.com"), auth=proof)
    dialect = AmazonSes(read.optional(settings, "configuration_set"), clock=clock)
    return HttpProvider(dialect, line, clock=clock)
