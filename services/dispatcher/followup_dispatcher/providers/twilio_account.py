"""What the two Twilio adapters share: an account's settings, and its records.

Settings: `account_sid`, `base_url` (default https://api.twilio.com), `settling_seconds`.
Secrets: `api_key_sid` and `api_key_secret` where there is an API key, else `auth_token`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from followup_dispatcher.providers import settings as read
from followup_dispatcher.providers.http_answers import accepted, fields
from followup_dispatcher.providers.http_auth import Static, basic
from followup_dispatcher.providers.http_line import HttpLine, Reply
from followup_dispatcher.providers.port import (
    CALL_LIMIT,
    Absent,
    Finding,
    Found,
    NotBegun,
    PastAttempt,
    Undecided,
    Unknown,
)
from followup_dispatcher.providers.settling import KEPT, settling_of

BASE_URL = "https://api.twilio.com"

SKEW = timedelta(seconds=30)
"""How far our clock and the vendor's may be apart; its dates carry whole seconds."""

RETRY_HINTS = "#rc=5&rp=all"
"""Five retries, on any failure; without them Twilio drops a report that we answer with a
5xx (twilio.com/docs/usage/webhooks/webhooks-connection-overrides)."""

PAGE_SIZE = 1000
PAGES = 10

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TwilioAccount:
    """One account: its path, its line, its settling time."""

    path: str
    line: HttpLine
    settling: timedelta

    @classmethod
    def open(cls, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> "TwilioAccount":
        """Read the settings; nothing is connected yet."""
        sid = read.text(settings, "account_sid")
        if not (sid.isascii() and sid.isalnum()):
            raise ValueError("account_sid: letters and digits only")
        return cls(
            path=f"/2010-04-01/Accounts/{sid}",
            line=HttpLine(read.base_url(settings, BASE_URL), auth=_credentials(sid, secrets)),
            settling=settling_of("twilio", settings),
        )

    async def find(
        self,
        attempt: PastAttempt,
        *,
        listing: str,
        query: Mapping[str, str],
        mine: Callable[[Row], bool | None],
        now: datetime,
    ) -> Finding:
        """Look an attempt up in the account's list of messages or calls.

        `mine` says of a row of the attempt's time whether it is the attempt's: None for
        "can't tell". Absence needs the whole list, no row that can't be told, the settling
        time gone by since the attempt must have ended, and an attempt that the list still
        reaches back to.
        """
        rows = await self._rows(listing, query)
        if isinstance(rows, Undecided):
            return rows
        candidates = [row for row in rows if _within(row, attempt.started_at)]
        matches = [row for row in candidates if mine(row)]
        if matches:
            return Found(_sid(min(matches, key=lambda row: _distance(row, attempt.started_at))))
        if any(mine(row) is None for row in candidates):
            return Undecided("a record of that time may or may not be this one")
        return self._absent(now - attempt.started_at)

    def _absent(self, age: timedelta) -> Absent | Undecided:
        if age < timedelta(seconds=CALL_LIMIT) + self.settling:
            return Undecided("the record is not settled yet")
        if age > KEPT["twilio"]:
            return Undecided("the record may not reach back so far")
        return Absent()

    async def _rows(self, listing: str, query: Mapping[str, str]) -> list[Row] | Undecided:
        """Every row of the pair of numbers.

        Without a filter by date: a message that is still queued has no date of sending,
        and one that a filter hides must not be taken for absent.
        """
        rows: list[Row] = []
        path = f"{self.path}/{listing.capitalize()}.json"
        ask: Mapping[str, str] = {**query, "PageSize": str(PAGE_SIZE)}
        for _ in range(PAGES):
            reply = await self.line.get(path, ask)
            page = _page(reply)
            if page is None or not isinstance(page.get(listing), list):
                return Undecided("the record cannot be read now")
            rows += [row for row in page[listing] if isinstance(row, dict)]
            following = page.get("next_page_uri")
            if not following:
                return rows
            if not isinstance(following, str) or not following.startswith(f"{self.path}/"):
                return Undecided("the record continues at a place that is not the account's")
            path, ask = following, {}
        return Undecided("the record is too long")


def _credentials(sid: str, secrets: Mapping[str, str]) -> Static:
    if secrets.get("api_key_sid"):
        return basic(read.text(secrets, "api_key_sid"), read.text(secrets, "api_key_secret"))
    return basic(sid, read.text(secrets, "auth_token"))


def _page(reply: Reply | Unknown | NotBegun) -> dict[str, Any] | None:
    if not isinstance(reply, Reply) or not accepted(reply.status):
        return None
    return fields(reply.body)


def _created(row: Row) -> datetime | None:
    """When the vendor made the row (RFC 2822), or None where it doesn't say."""
    try:
        moment = parsedate_to_datetime(str(row.get("date_created")))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _within(row: Row, started_at: datetime) -> bool:
    created = _created(row)
    if created is None:
        return True
    return started_at - SKEW <= created <= started_at + timedelta(seconds=CALL_LIMIT) + SKEW


def _distance(row: Row, started_at: datetime) -> float:
    created = _created(row)
    return float("inf") if created is None else abs((created - started_at).total_seconds())


def _sid(row: Row) -> str | None:
    sid = row.get("sid")
    return sid if isinstance(sid, str) else None
