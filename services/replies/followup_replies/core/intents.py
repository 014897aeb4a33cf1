"""The twelve things a reply can mean."""

from typing import Final, Literal, get_args

Intent = Literal[
    "interested",
    "question",
    "not_now",
    "not_interested",
    "already_bought",
    "referral",
    "wrong_person",
    "complaint",
    "out_of_office",
    "auto_reply",
    "opt_out",
    "other",
]
INTENTS: Final[tuple[Intent, ...]] = get_args(Intent)
