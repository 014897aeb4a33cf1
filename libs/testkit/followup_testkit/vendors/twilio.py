"""How Twilio speaks, as far as every vendor is asked the same (its own suite asks for more).

Twilio echoes no reference but what stands in the query of a callback's URL, and its lists
are asked for by numbers.
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from followup_testkit.vendors.dialects import basic
from followup_testkit.vendors.speaking import Asked, Dialect, Kept, Told

ACCOUNT = "AC" + "0a1b2c3d" * 4
DATED = "Sun, 22 Nov 2026 10:00:01 +0000"
"""When its records say that everything was made."""

_PATH = f"/2010-04-01/Accounts/{ACCOUNT}"


def _error(status: int, code: int, message: str) -> Told:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return Told(status, {"code": code, "message": message, "more_info": more, "status": status})


def _attempt(asked: Asked) -> str | None:
    callback = urlsplit(asked.form.get("StatusCallback", "").partition("#")[0])
    return parse_qs(callback.query).get("attempt", [None])[0]


def _shared(asked: Asked, ref: str) -> dict[str, Any]:
    return {
        "account_sid": ACCOUNT,
        "api_version": "2010-04-01",
        "date_created": DATED,
        "date_updated": DATED,
        "direction": "outbound-api",
        "from": asked.form["From"],
        "price": None,
        "price_unit": "USD",
        "sid": ref,
        "status": "queued",
        "to": asked.form["To"],
    }


def _message(asked: Asked, ref: str) -> dict[str, Any]:
    return _shared(asked, ref) | {
        "body": asked.form["Body"],
        "date_sent": None,
        "error_code": None,
        "error_message": None,
        "messaging_service_sid": None,
        "num_media": "0",
        "num_segments": "1",
        "uri": f"{_PATH}/Messages/{ref}.json",
    }


def _call(asked: Asked, ref: str) -> dict[str, Any]:
    return _shared(asked, ref) | {
        "answered_by": None,
        "duration": None,
        "end_time": None,
        "start_time": None,
        "uri": f"{_PATH}/Calls/{ref}.json",
    }


def _twilio(
    channel: str,
    listing: str,
    resource: Callable[[Asked, str], dict[str, Any]],
    refused: Told,
    broken: Told,
) -> Dialect:
    path = f"{_PATH}/{listing.capitalize()}.json"

    def record(asked: Asked, held: Mapping[str, Kept]) -> Told | None:
        if (asked.method, asked.path) != ("GET", path):
            return None
        rows = [
            resource(kept.asked, kept.ref)
            for kept in held.values()
            if all(asked.query.get(name) in {None, kept.asked.form[name]} for name in _NUMBERS)
        ]
        return Told(200, {listing: rows, "next_page_uri": None, "page": 0, "page_size": 1000})

    return Dialect(
        vendor="twilio",
        channel=channel,
        takes=lambda asked: (asked.method, asked.path) == ("POST", path),
        proven=basic(ACCOUNT),
        attempt=_attempt,
        took=lambda asked, ref: Told(201, resource(asked, ref)),
        refusals={
            "refused": refused,
            "opted_out": _error(400, 21211, "Invalid 'To' Phone Number: +14155550123"),
            "crowded": _error(429, 20429, "Too Many Requests"),
            "broken": broken,
        },
        unproven=_error(401, 20003, "Authenticate"),
        record=record,
    )


_NUMBERS = ("To", "From")

TWILIO_SMS = _twilio(
    "sms",
    "messages",
    _message,
    refused=_error(400, 21612, "The 'To' phone number: +14155550123, is not reachable"),
    broken=_error(400, 21212, "The 'From' number +14155550100 is not a valid phone number"),
)
TWILIO_VOICE = _twilio(
    "voice",
    "calls",
    _call,
    refused=_error(400, 21216, "Account not allowed to call +14155550123"),
    broken=_error(400, 21210, "'From' phone number not verified: +14155550100"),
)
