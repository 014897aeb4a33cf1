"""What the stand-in has been asked and what it has accepted."""

import secrets
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from followup_testkit.twilio.faults import Fault

Kind = Literal["Messages", "Calls"]


@dataclass(slots=True, eq=False)
class Request:
    """One POST. `first_byte` is when its first byte arrived: UTC, and seconds of machine time.

    `sid` is None unless it was accepted. `attempt_id` and `touch_id` stand in the query
    of its StatusCallback as `attempt` and `touch`. `fault` is what was done with it,
    `peer_port` the caller's; `answered` is when the answer was handed over, and `hung_up`
    says that the caller had gone by then.
    """

    kind: Kind
    form: Mapping[str, list[str]]
    first_byte: datetime
    first_byte_monotonic: float
    sid: str | None = None
    status: str = "queued"
    fault: Fault | None = None
    peer_port: int | None = None
    answered: datetime | None = None
    hung_up: bool = False

    def field(self, name: str) -> str | None:
        """The first value of a field of the form."""
        values = self.form.get(name)
        return values[0] if values else None

    @property
    def to(self) -> str | None:
        """The recipient."""
        return self.field("To")

    @property
    def sender(self) -> str | None:
        """The sending number, or the messaging service."""
        return self.field("From") or self.field("MessagingServiceSid")

    @property
    def body(self) -> str | None:
        """A message's text; a call's TwiML."""
        return self.field("Body") if self.kind == "Messages" else self.field("Twiml")

    @property
    def callback_url(self) -> str | None:
        """Where its states are reported, without the retry hints behind the #."""
        url = self.field("StatusCallback")
        return None if url is None else url.partition("#")[0]

    @property
    def attempt_id(self) -> str | None:
        """Our attempt, as planted in the callback's query."""
        return self._planted("attempt")

    @property
    def touch_id(self) -> str | None:
        """Our touch, as planted in the callback's query."""
        return self._planted("touch")

    def _planted(self, name: str) -> str | None:
        values = parse_qs(urlsplit(self.callback_url or "").query).get(name)
        return values[0] if values else None


@dataclass(slots=True)
class Ledger:
    """Every POST in the order it came, and those that were accepted."""

    requests: list[Request] = field(default_factory=list)
    accepted: list[Request] = field(default_factory=list)

    def accept(self, request: Request) -> Request:
        """Give it an id and keep it."""
        prefix = "SM" if request.kind == "Messages" else "CA"
        request.sid = prefix + secrets.token_hex(16)
        self.accepted.append(request)
        return request

    def __iter__(self) -> Iterator[Request]:
        return iter(self.accepted)

    def __len__(self) -> int:
        return len(self.accepted)

    def twice(self) -> list[str]:
        """Touches that were accepted more than once: there must be none."""
        counts = Counter(each.touch_id for each in self.accepted if each.touch_id is not None)
        return [touch for touch, count in counts.items() if count > 1]

    def find(
        self, kind: Kind, *, to: str | None, sender: str | None, since: datetime | None
    ) -> list[Request]:
        """Accepted requests, newest first, by what is given."""
        return [
            each
            for each in reversed(self.accepted)
            if each.kind == kind
            and (to is None or each.to == to)
            and (sender is None or each.sender == sender)
            and (since is None or each.first_byte >= since)
        ]


def resource(request: Request, account_sid: str) -> dict[str, Any]:
    """The request as the vendor shows it: a message or a call."""
    date = request.first_byte.strftime("%a, %d %b %Y %H:%M:%S +0000")
    shared = {
        "sid": request.sid,
        "account_sid": account_sid,
        "to": request.to,
        "from": request.field("From"),
        "status": request.status,
        "date_created": date,
        "date_updated": date,
        "api_version": "2010-04-01",
        "price": None,
        "price_unit": "USD",
        "uri": f"/2010-04-01/Accounts/{account_sid}/{request.kind}/{request.sid}.json",
    }
    if request.kind == "Calls":
        return shared | {
            "start_time": date,
            "end_time": None,
            "duration": None,
            "answered_by": None,
            "direction": "outbound-api",
        }
    return shared | {
        "body": request.body,
        "messaging_service_sid": request.field("MessagingServiceSid"),
        "num_segments": "1",
        "num_media": "0",
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "date_sent": date,
    }
