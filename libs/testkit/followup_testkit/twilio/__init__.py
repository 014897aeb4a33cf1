"""A stand-in for Twilio's Messages and Calls API, with a ledger and scripted faults."""

from followup_testkit.twilio.faults import (
    Accept,
    CutAfter,
    CutBefore,
    Fault,
    Garbled,
    HalfBody,
    Refuse,
    ServerError,
    Silence,
    TooMany,
)
from followup_testkit.twilio.ledger import Ledger, Request
from followup_testkit.twilio.server import StubProvider

__all__ = [
    "Accept",
    "CutAfter",
    "CutBefore",
    "Fault",
    "Garbled",
    "HalfBody",
    "Ledger",
    "Refuse",
    "Request",
    "ServerError",
    "Silence",
    "StubProvider",
    "TooMany",
]
