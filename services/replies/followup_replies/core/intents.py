"""The twelve things a reply can mean."""

from typing import Final, get_args

from followup_contracts.events import Intent

__all__ = ["INTENTS", "Intent"]

INTENTS: Final[tuple[Intent, ...]] = get_args(Intent)
