"""What Twilio's error codes say of a number: the same in an answer and in a callback.

Source: the error dictionary, twilio.com/docs/api/errors/<code>, one page per code, as of
November 2026. Codes that pass (30003 switched off, 30008 unknown) and those about the
message or its sender (30007 filtered, 30034 unregistered) say nothing of the number.
"""

from collections.abc import Mapping
from enum import Enum


class NumberFault(Enum):
    """Why nothing more goes to a number."""

    NOBODYS = "the number is nobody's"
    NO_TEXTS = "the number cannot receive texts"
    OPTED_OUT = "the recipient has opted out"
    BLOCKED = "the number is blocked from receiving"


NUMBER_FAULTS: Mapping[int, NumberFault] = {
    21211: NumberFault.NOBODYS,
    21217: NumberFault.NOBODYS,
    21610: NumberFault.OPTED_OUT,
    21614: NumberFault.NO_TEXTS,
    21635: NumberFault.NO_TEXTS,
    30004: NumberFault.BLOCKED,
    30005: NumberFault.NOBODYS,
    30006: NumberFault.NO_TEXTS,
}
