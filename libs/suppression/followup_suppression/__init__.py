"""What stops messages: the list, holds and epochs; the fence.

A stop commits here before it is answered, and a claim looks here (`standings`)
before it sends; `StopFence` is the wait between the commit and the answer.
"""

from followup_suppression.epochs import epochs, raise_epochs
from followup_suppression.fence import ACKNOWLEDGE_AFTER, LEASE, StopFence
from followup_suppression.hashing import AddressHasher, Kind, normalise_v1
from followup_suppression.holds import (
    HELD_LONG,
    Hold,
    HoldsStanding,
    Removed,
    ask_about_holds,
    holds_of,
    holds_standing,
    place_hold,
    place_holds,
    remove_holds,
)
from followup_suppression.listing import (
    Listing,
    SuppressedChannel,
    lift,
    listings,
    page_of_listings,
    suppress,
    take_over_listings,
)
from followup_suppression.standing import Standing, standings

__all__ = [
    "ACKNOWLEDGE_AFTER",
    "HELD_LONG",
    "LEASE",
    "AddressHasher",
    "Hold",
    "HoldsStanding",
    "Kind",
    "Listing",
    "Removed",
    "Standing",
    "StopFence",
    "SuppressedChannel",
    "ask_about_holds",
    "epochs",
    "holds_of",
    "holds_standing",
    "lift",
    "listings",
    "normalise_v1",
    "page_of_listings",
    "place_hold",
    "place_holds",
    "raise_epochs",
    "remove_holds",
    "standings",
    "suppress",
    "take_over_listings",
]
