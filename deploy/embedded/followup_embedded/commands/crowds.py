"""Many plays added up, on every processor there is."""

import os
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime
from functools import partial
from itertools import islice

from followup_scheduler.core.document import Sequence as Document
from followup_scheduler.imagined import Play
from followup_scheduler.outputs.crowd import Crowd

Alike = tuple[Play, int]
"""A play, and how many there are that go like it."""

_CHUNK = 100
_MANY = 1_000
"""From so many on another process is worth the half second until it is there."""


def crowd_of(
    sequence: Document,
    wanted: Sequence[Play],
    *,
    now: datetime,
    tell: Callable[[int], None],
) -> Crowd:
    """Everybody's runs added up; leads who would be treated alike are played once.

    `tell` hears how many have been counted so far. However many processes share the work,
    what comes of it is the same, to the order in which it is told.
    """
    chunks = list(_chunks(_alike(sequence, wanted)))
    crowd = Crowd(sequence)
    for part in _played(chunks, partial(_play, sequence, now)):
        crowd.join(part)
        tell(crowd.leads)
    return crowd


def _alike(sequence: Document, wanted: Iterable[Play]) -> Iterable[Alike]:
    counted: dict[Hashable, Alike] = {}
    for play in wanted:
        likeness = play.likeness(sequence)
        first, times = counted.get(likeness, (play, 0))
        counted[likeness] = (first, times + 1)
    return counted.values()


def _chunks(plays: Iterable[Alike]) -> Iterator[list[Alike]]:
    left = iter(plays)
    while chunk := list(islice(left, _CHUNK)):
        yield chunk


def _played(chunks: Sequence[list[Alike]], play: Callable[[list[Alike]], Crowd]) -> Iterator[Crowd]:
    """The chunks in their order, each as soon as it and those before it are played."""
    processors = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    )
    if len(chunks) * _CHUNK < _MANY or processors == 1:
        yield from map(play, chunks)
        return
    with ProcessPoolExecutor(processors) as processes:
        yield from processes.map(play, chunks)


def _play(sequence: Document, now: datetime, chunk: Iterable[Alike]) -> Crowd:
    crowd = Crowd(sequence)
    for play, times in chunk:
        crowd.add(play.of(sequence, now=now), times=times)
    return crowd
