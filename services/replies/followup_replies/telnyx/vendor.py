"""`/hooks/telnyx/{account}/…`: texts in and states of texts, told apart by what they hold."""

from collections.abc import Sequence

from followup_replies.bodies import json_object
from followup_replies.telnyx.events import arrival_of
from followup_replies.telnyx.signature import SIGNATURE, TIMESTAMP, genuine
from followup_replies.vendor import Arrival, Checked, Forged, Genuine, Hook, Vendor

KEY = "public_key"


async def _check(hook: Hook) -> Checked:
    fits = genuine(
        hook.headers.get(SIGNATURE, ""),
        timestamp=hook.headers.get(TIMESTAMP, ""),
        body=hook.body,
        public_key=hook.secrets.get(KEY) or hook.setting(KEY) or "",
        at=hook.at,
    )
    return Genuine() if fits else Forged("the signature does not match, or is old")


async def _read(hook: Hook) -> Sequence[Arrival]:
    return [arrival_of(json_object(hook.body), hook.query, channel=hook.account.channel)]


TELNYX = Vendor(
    name="telnyx",
    check=_check,
    read=_read,
    seconds=1.8,  # it waits two, and then comes again
)
