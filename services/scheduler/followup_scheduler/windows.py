"""The window: how many touches of a tenant and channel may be outstanding at a time.

Backlog stays with the scheduler, where it can be halted, re-ordered and shared fairly.
Lane `later` leaves a quarter of every window to lane `now`: a tenant's fresh leads do not
wait for room behind its own campaign.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import count
from operator import itemgetter

from followup_contracts.payload import Lane
from followup_scheduler.touch import Line, Touch


def line_of(touch: Touch) -> Line:
    """Whose window a touch takes a place in."""
    return touch.tenant_id, touch.key.channel


def room(window: int, lane: Lane) -> int:
    """How many places of a window may be taken before touches of this lane have to wait."""
    return window if lane == "now" else window - window // 4


def worthwhile(window: int, lane: Lane) -> int:
    """At how many taken places a window that was full is worth looking at again."""
    places = room(window, lane)
    return places - max(1, places // 8)


def admit(
    touches: Sequence[Touch], taken: Mapping[Line, int], *, window: int
) -> tuple[list[Touch], list[Touch]]:
    """Which touches may be asked for now, and which have to wait, each in their order.

    `taken` counts what is outstanding already. A touch that is itself outstanding
    (deferred by a rate) has its place and always goes.
    """
    counts = dict(taken)
    admitted: list[Touch] = []
    waiting: list[Touch] = []
    for touch in touches:
        line = line_of(touch)
        if touch.outstanding:
            admitted.append(touch)
        elif counts.get(line, 0) < room(window, touch.lane):
            counts[line] = counts.get(line, 0) + 1
            admitted.append(touch)
        else:
            waiting.append(touch)
    return admitted, waiting


def in_turns(touches: Sequence[Touch]) -> list[Touch]:
    """One of each line after the other, each line's in their order.

    Whoever carries them out in this order leaves nobody waiting behind another's batch.
    """
    places: dict[Line, count[int]] = defaultdict(count)
    keyed = [(next(places[line_of(touch)]), touch) for touch in touches]
    return [touch for _, touch in sorted(keyed, key=itemgetter(0))]
